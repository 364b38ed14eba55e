import hashlib
import hmac
import json

import web

SECRET = b"for the tests only"

FORM = """<!doctype html><title>web.py site</title>
<h1>web.py site</h1>
<form method="post" action="/form"><input name="name"><button>Send</button></form>"""

web.config.debug = False


def sign(user):
    return user.encode().hex() + "." + hmac.new(SECRET, user.encode(), "sha256").hexdigest()


def unsign(value):
    user = bytes.fromhex(value.partition(".")[0]).decode()
    return user if hmac.compare_digest(sign(user), value) else None


def text(body):
    web.header("Content-Type", "text/plain; charset=utf-8")
    return body


class Page:
    def GET(self):
        web.header("Content-Type", "text/html; charset=utf-8")
        return FORM


class Form:
    def POST(self):
        return text("Hello, %s" % web.input().name)


class Upload:
    def POST(self):
        f = web.input(file={}).file
        data = f.file.read()
        web.header("Content-Type", "application/json")
        return json.dumps({"name": f.filename, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})


class Login:
    def POST(self):
        web.setcookie("session", sign(web.input().user), path="/")
        raise web.seeother("/whoami")


class WhoAmI:
    def GET(self):
        value = web.cookies().get("session")
        return text("user: %s" % ((unsign(value) if value else None) or "-"))


class Stream:
    def GET(self):
        web.header("Content-Type", "text/plain; charset=utf-8")
        for n in range(200):
            yield "line %d\n" % n


class Download:
    def GET(self):
        web.header("Content-Type", "application/octet-stream")
        return bytes(range(256)) * 8192


class Hello:
    def GET(self, name):
        return text("path=%s q=%s" % (name, web.input(q="").q))


class Old:
    def GET(self):
        raise web.found("/")


class Boom:
    def GET(self):
        raise ValueError("boom in the view")  # boom


urls = (
    "/", "Page",
    "/form", "Form",
    "/upload", "Upload",
    "/login", "Login",
    "/whoami", "WhoAmI",
    "/stream", "Stream",
    "/download", "Download",
    "/hello/([^/]+)", "Hello",
    "/old", "Old",
    "/boom", "Boom",
)  # fmt: skip

app = web.application(urls, globals()).wsgifunc()
