"""Gives files away in all the ways there are: one function per path, parameters in the query."""

import gzip
import io
import os
import tempfile
import threading
from urllib.parse import parse_qsl

TEXT = [("Content-Type", "text/x-test"), ("ETag", '"one"')]
closed = []  # the paths of files, once per close()


class Counted(io.FileIO):
    """A subclass: its read() could give anything."""


def watched(file, path):
    close = file.close

    def counted():
        closed.append(path)
        close()

    file.close = counted
    return file


def plain(q, environ, start):
    start(q.get("status", "200 OK"), TEXT + ([("Content-Length", q["length"])] if "length" in q else []))
    file = watched(open(q["path"], "rb"), q["path"])
    if "skip" in q:
        file.read(int(q["skip"]))  # the buffer has read on
    return environ["wsgi.file_wrapper"](file, 65536)


def raw(q, environ, start):
    start("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](open(q["path"], "rb", 0))


def subclass(q, environ, start):
    start("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](Counted(q["path"]))


def wrapped(q, environ, start):
    start("200 OK", TEXT)
    return (block for block in environ["wsgi.file_wrapper"](open(q["path"], "rb")))


def unzipped(q, environ, start):
    start("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](gzip.open(q["path"]))


def temporary(q, environ, start):
    start("200 OK", TEXT)
    file = tempfile.NamedTemporaryFile() if "named" in q else tempfile.TemporaryFile()
    file.write(b"0123456789" * int(q["times"]))
    file.seek(5)
    if "named" in q:
        os.unlink(file.name)
        file._closer.delete = False
    return environ["wsgi.file_wrapper"](file)


def pipe(q, environ, start):
    start("200 OK", TEXT)
    r, w = os.pipe()
    os.write(w, b"through a pipe")
    os.close(w)
    return environ["wsgi.file_wrapper"](open(r, "rb"))


def shrinking(q, environ, start):
    start("200 OK", TEXT + [("Content-Length", str(2 * os.path.getsize(q["path"])))])
    return environ["wsgi.file_wrapper"](open(q["path"], "rb"))


def named(q, environ, start):
    """X-Sendfile or X-Accel-Redirect."""
    fields = [(q["field"], q["value"]), ("X-Other", "1"), ("Cache-Control", "no-cache")]
    if "type" in q:
        fields.append(("Content-Type", q["type"]))
    start("200 OK", fields)
    return [b"the app's own body"]


def closings(q, environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(closed.count(q["path"])).encode()]


def descriptors(q, environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(len(os.listdir("/proc/self/fd"))).encode()]


def flask(q, environ, start):
    from flask import Flask, send_file

    app = Flask("files")
    app.add_url_rule("/flask", view_func=lambda: send_file(q["path"]), endpoint="file")
    return app(environ, start)


_django = threading.Lock()


def django(q, environ, start):
    from django.conf import settings

    with _django:
        if not settings.configured:
            settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", DEBUG=False)
            import django as package

            package.setup()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()(environ, start)


def download(request):
    from django.http import FileResponse

    return FileResponse(open(request.GET["path"], "rb"))


try:
    from django.urls import path as _path

    urlpatterns = [_path("django", download)]
except ImportError:
    pass

PATHS = {
    function.__name__: function
    for function in (plain, raw, subclass, wrapped, unzipped, temporary, pipe, shrinking, named, closings, descriptors, flask, django)
}


def app(environ, start_response):
    q = dict(parse_qsl(environ["QUERY_STRING"]))
    if environ["PATH_INFO"] == "/":
        start_response("200 OK", [])
        return [b"ok"]
    return PATHS[environ["PATH_INFO"].strip("/")](q, environ, start_response)
