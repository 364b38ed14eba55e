import hashlib

from flask import Flask, Response, jsonify, redirect, render_template_string, request, session

app = Flask(__name__)
app.secret_key = "for the tests only"

FORM = """<!doctype html><title>Flask site</title>
<h1>Flask site</h1>
<form method="post" action="/form"><input name="name"><button>Send</button></form>"""


@app.get("/")
def page():
    return render_template_string(FORM)


@app.post("/form")
def form():
    return Response("Hello, %s" % request.form["name"], mimetype="text/plain")


@app.post("/upload")
def upload():
    f = request.files["file"]
    data = f.read()
    return jsonify(name=f.filename, size=len(data), sha256=hashlib.sha256(data).hexdigest())


@app.post("/login")
def login():
    session["user"] = request.form["user"]
    return redirect("/whoami", code=303)


@app.get("/whoami")
def whoami():
    return Response("user: %s" % session.get("user", "-"), mimetype="text/plain")


@app.get("/stream")
def stream():
    return Response(("line %d\n" % n for n in range(200)), mimetype="text/plain")


@app.get("/download")
def download():
    return Response(bytes(range(256)) * 8192, mimetype="application/octet-stream")


@app.get("/bulk")
def bulk():
    return Response((bytes(range(256)) * 256 for _ in range(1600)), mimetype="application/octet-stream")


@app.get("/fresh")
def fresh():
    response = Response("fresh", mimetype="text/plain")
    response.set_etag("e1")
    return response.make_conditional(request)


@app.get("/hello/<name>")
def hello(name):
    return Response("path=%s q=%s" % (name, request.args.get("q", "")), mimetype="text/plain")


@app.get("/old")
def old():
    return redirect("/")


@app.get("/boom")
def boom():
    raise ValueError("boom in the view")  # boom
