import hashlib

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.session import SignedCookieSessionFactory

FORM = """<!doctype html><title>Pyramid site</title>
<h1>Pyramid site</h1>
<form method="post" action="/form"><input name="name"><button>Send</button></form>"""


def page(request):
    return Response(FORM)


def form(request):
    return Response("Hello, %s" % request.POST["name"], content_type="text/plain", charset="utf-8")


def upload(request):
    f = request.POST["file"]
    data = f.file.read()
    return {"name": f.filename, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def login(request):
    request.session["user"] = request.POST["user"]
    return HTTPSeeOther("/whoami")


def whoami(request):
    return Response("user: %s" % request.session.get("user", "-"), content_type="text/plain", charset="utf-8")


def stream(request):
    return Response(app_iter=(b"line %d\n" % n for n in range(200)), content_type="text/plain", charset="utf-8")


def download(request):
    return Response(body=bytes(range(256)) * 8192, content_type="application/octet-stream")


def hello(request):
    text = "path=%s q=%s" % (request.matchdict["name"], request.params.get("q", ""))
    return Response(text, content_type="text/plain", charset="utf-8")


def old(request):
    return HTTPFound("/")


def boom(request):
    raise ValueError("boom in the view")  # boom


def make_app():
    with Configurator(session_factory=SignedCookieSessionFactory("for the tests only")) as config:
        for name, path, view, more in [
            ("page", "/", page, {}),
            ("form", "/form", form, {"request_method": "POST"}),
            ("upload", "/upload", upload, {"request_method": "POST", "renderer": "json"}),
            ("login", "/login", login, {"request_method": "POST"}),
            ("whoami", "/whoami", whoami, {}),
            ("stream", "/stream", stream, {}),
            ("download", "/download", download, {}),
            ("hello", "/hello/{name}", hello, {}),
            ("old", "/old", old, {}),
            ("boom", "/boom", boom, {}),
        ]:
            config.add_route(name, path)
            config.add_view(view, route_name=name, **more)
        return config.make_wsgi_app()
