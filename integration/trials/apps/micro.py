"""Small frameworks: one sample each, as their documentation has it, with the things that servers tend to get wrong."""

from trial import Trial

BLOB = bytes(range(256)) * 2000


class Bottle(Trial):
    name = "bottle"
    requirements = ("bottle==0.13.4",)
    app = "app:app"
    find = True
    explained = {"a dotted path": "standpipe removes dot segments once (RFC 3986 6.2.2.3), as browsers do; nginx hands them on"}

    def prepare(self, project):
        project.write("files/style.css", "p { color: #123 }\n")
        project.write(
            "app.py",
            """import os
import bottle
from bottle import abort, redirect, request, response, static_file, template

app = bottle.Bottle()
HERE = os.path.dirname(os.path.abspath(__file__))

@app.get("/")
def index():
    return template('<link rel="stylesheet" href="/files/style.css"><p>{{n}} visits</p><form method="post" action="/up" enctype="multipart/form-data"><input name="note"><input type="file" name="file"></form>', n=request.get_cookie("n", "0"))

@app.get("/files/<name>")
def files(name):
    return static_file(name, root=os.path.join(HERE, "files"))

@app.post("/up")
def up():
    f = request.files.get("file")
    f.save(os.path.join(HERE, "saved"), overwrite=True)
    response.set_cookie("n", "1")
    redirect("/down/saved?note=" + request.forms.note)

@app.get("/down/<name>")
def down(name):
    return static_file(name, root=HERE, download=True)

@app.get("/json")
def json():
    return {"query": dict(request.query), "path": request.path, "script": request.script_name, "remote": request.remote_addr, "url": request.url.split(":")[0]}

@app.route("/echo", method=["PUT", "DELETE", "PATCH"])
def echo():
    return request.body.read() or b"nothing"

@app.get("/teapot")
def teapot():
    abort(418, "short and stout")

@app.get("/boom")
def boom():
    raise RuntimeError("on purpose")
""",
        )

    def visit(self, browser):
        page = browser.get("/")
        browser.assets(page)
        page = browser.submit(page, "note", {"note": "hi"}, "upload", files={"file": ("blob.bin", "application/octet-stream", BLOB)})
        browser.check("the file is whole", page.body == BLOB)
        browser.get("/json?a=1&b=%C3%A9&c=", "a query")
        browser.get("/json/../json", "a dotted path")
        for method in "PUT", "PATCH", "DELETE":
            browser.send(method, "/echo", b"x" * 70000, label=method)
        browser.get("/teapot")
        browser.get("/boom")
        browser.get("/missing")
        browser.send("POST", "/json", b"", label="a method that is not allowed")
        browser.send("OPTIONS", "/", label="OPTIONS")
        browser.get("/down/saved", "a range", Range="bytes=100-199")


class Falcon(Trial):
    name = "falcon"
    requirements = ("falcon==4.4.0",)
    app = "wsgi:application"
    find = True

    def prepare(self, project):
        project.write(
            "wsgi.py",
            """import falcon

class Things:
    things = {}

    def on_get(self, req, resp, name):
        if name not in self.things:
            raise falcon.HTTPNotFound(title="no such thing")
        resp.etag = "thing-1"
        resp.media = {"name": name, "size": len(self.things[name]), "host": req.host, "scheme": req.scheme}

    def on_put(self, req, resp, name):
        self.things[name] = req.bounded_stream.read()
        resp.status = falcon.HTTP_201
        resp.location = "/things/" + name

class Form:
    def on_post(self, req, resp):
        resp.media = {part.name: len(part.stream.read()) for part in req.get_media()}

class Stream:
    def on_get(self, req, resp):
        resp.content_type = "text/plain"
        resp.stream = (b"%d\\n" % n for n in range(5000))

class Failing:
    def on_get(self, req, resp):
        raise falcon.HTTPServiceUnavailable(title="later", retry_after=30)

application = falcon.App()
application.add_route("/things/{name}", Things())
application.add_route("/form", Form())
application.add_route("/stream", Stream())
application.add_route("/failing", Failing())
""",
        )

    standpipe = ("-w", "1")  # what is put is kept in the process
    gunicorn = ("-w", "1")

    def visit(self, browser):
        browser.get("/things/a", "not yet there")
        browser.send("PUT", "/things/a", BLOB, label="put", follow=False)
        browser.get("/things/a")
        browser.get("/things/a", "conditional", **{"If-None-Match": '"thing-1"'})
        browser.post("/form", {"a": "x" * 1000, "b": "y"}, "a multipart form", files={"f": ("f.bin", "application/octet-stream", BLOB)})
        browser.check("the stream is whole", browser.get("/stream").body.count(b"\n") == 5000)
        browser.get("/failing")
        browser.send("DELETE", "/things/a", label="a method that is not allowed")
        browser.send("OPTIONS", "/things/a", label="OPTIONS")
        browser.send("HEAD", "/things/a", label="HEAD")
