import hashlib
import hmac

import falcon

SECRET = b"for the tests only"

FORM = """<!doctype html><title>Falcon site</title>
<h1>Falcon site</h1>
<form method="post" action="/form"><input name="name"><button>Send</button></form>"""


def sign(user):
    return user.encode().hex() + "." + hmac.new(SECRET, user.encode(), "sha256").hexdigest()


def unsign(value):
    user = bytes.fromhex(value.partition(".")[0]).decode()
    return user if hmac.compare_digest(sign(user), value) else None


class Page:
    def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_HTML
        resp.text = FORM

    on_head = on_get  # Falcon answers 405 to a HEAD that a resource does not name


class Form:
    def on_post(self, req, resp):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "Hello, %s" % req.get_media()["name"]


class Upload:
    def on_post(self, req, resp):
        for part in req.get_media():
            if part.name == "file":
                digest, size = hashlib.sha256(), 0
                while True:
                    chunk = part.stream.read(65536)
                    if not chunk:
                        break
                    digest.update(chunk)
                    size += len(chunk)
                resp.media = {"name": part.filename, "size": size, "sha256": digest.hexdigest()}


class Login:
    def on_post(self, req, resp):
        resp.set_cookie("session", sign(req.get_media()["user"]), path="/", secure=False)
        raise falcon.HTTPSeeOther("/whoami", headers=None)


class WhoAmI:
    def on_get(self, req, resp):
        values = req.get_cookie_values("session")
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "user: %s" % ((unsign(values[0]) if values else None) or "-")


class Stream:
    def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_TEXT
        resp.stream = (b"line %d\n" % n for n in range(200))


class Download:
    def on_get(self, req, resp):
        resp.content_type = "application/octet-stream"
        resp.data = bytes(range(256)) * 8192


class Hello:
    def on_get(self, req, resp, name):
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "path=%s q=%s" % (name, req.get_param("q", default=""))


class Old:
    def on_get(self, req, resp):
        raise falcon.HTTPFound("/")


class Boom:
    def on_get(self, req, resp):
        raise ValueError("boom in the view")  # boom


app = falcon.App()
# The multipart parser's own ceiling is 1 MiB per buffered part; the upload above reads its stream.
app.add_route("/", Page())
app.add_route("/form", Form())
app.add_route("/upload", Upload())
app.add_route("/login", Login())
app.add_route("/whoami", WhoAmI())
app.add_route("/stream", Stream())
app.add_route("/download", Download())
app.add_route("/hello/{name}", Hello())
app.add_route("/old", Old())
app.add_route("/boom", Boom())
