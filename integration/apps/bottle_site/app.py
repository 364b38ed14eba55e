import hashlib

from bottle import Bottle, redirect, request, response, template

app = Bottle()
SECRET = "for the tests only"

FORM = """<!doctype html><title>Bottle site</title>
<h1>{{title}}</h1>
<form method="post" action="/form"><input name="name"><button>Send</button></form>"""


@app.get("/")
def page():
    return template(FORM, title="Bottle site")


@app.post("/form")
def form():
    response.content_type = "text/plain; charset=utf-8"
    return "Hello, %s" % request.forms.getunicode("name")


@app.post("/upload")
def upload():
    f = request.files["file"]
    data = f.file.read()
    return {"name": f.raw_filename, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@app.post("/login")
def login():
    response.set_cookie("session", request.forms.getunicode("user"), secret=SECRET, path="/", httponly=True)
    redirect("/whoami", 303)


@app.get("/whoami")
def whoami():
    response.content_type = "text/plain; charset=utf-8"
    return "user: %s" % (request.get_cookie("session", secret=SECRET) or "-")


@app.get("/stream")
def stream():
    response.content_type = "text/plain; charset=utf-8"
    for n in range(200):
        yield "line %d\n" % n


@app.get("/download")
def download():
    response.content_type = "application/octet-stream"
    return bytes(range(256)) * 8192


@app.get("/hello/<name>")
def hello(name):
    response.content_type = "text/plain; charset=utf-8"
    return "path=%s q=%s" % (name, request.query.getunicode("q", ""))


@app.get("/old")
def old():
    redirect("/", 302)


@app.get("/boom")
def boom():
    raise ValueError("boom in the view")  # boom
