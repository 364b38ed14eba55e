"""Answers of real frameworks: one frame where nothing long can come behind the block, and the block at once where it can."""

import os
import subprocess
import sys
import unittest

from peer import BODY, END, HEAD, LAST, WorkerTest, environ, request_frame

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def python(module):
    """A Python that has module, or empty."""
    for path in (sys.executable, os.environ.get("STANDPIPE_TEST_PYTHON", ""), os.path.join(ROOT, ".cache", "testenv", "bin", "python")):
        if path and os.path.exists(path) and subprocess.call([path, "-c", "import " + module], stderr=subprocess.DEVNULL) == 0:
            return path
    return ""


FLASK = python("flask")
DJANGO = python("django")
GATE = """
import os, time
here = os.path.dirname(os.path.abspath(__file__))
def gate():
    while not os.path.exists(os.path.join(here, "gate")):
        time.sleep(0.002)
"""


class Frames(WorkerTest):
    def one(self, worker, path, body, status="200 OK", **values):
        answer = worker.get(worker.next, PATH_INFO=path, **values)
        worker.next += 1
        self.assertEqual((answer.status, answer.error, answer.parts), (status, None, [(HEAD, LAST, body)]), path)
        return answer

    def early(self, worker, path, body):
        """The block is here while what comes behind it waits for a gate."""
        stream = worker.next
        worker.next += 1
        worker.send(request_frame(stream, environ(PATH_INFO=path)))
        kind, flags, number, payload = worker.frame()
        self.assertEqual((kind, flags, number), (HEAD, 0, stream), path)
        self.assertTrue(payload.endswith(body))
        self.file("gate", "")
        while kind != END:
            kind, flags, number, payload = worker.frame()
            self.assertIn(kind, (BODY, END))
        os.remove(os.path.join(self.dir, "gate"))

    def begin(self, text, python):
        worker = self.worker(GATE + text, python=python)
        worker.next = 1
        return worker


@unittest.skipUnless(FLASK, "SKIP[no-frameworks]: no Python with Flask; run make testenv")
class Flask(Frames):
    APP = """
from flask import Flask, Response, jsonify, stream_with_context
app = Flask(__name__)
@app.route("/json")
def json(): return jsonify(a=1)
@app.route("/none")
def none(): return "", 204
@app.route("/closed")
def closed():
    response = Response(b"at once")
    response.call_on_close(gate)
    return response
@app.route("/stream")
def stream():
    def blocks():
        yield b"one"
        gate()
        yield b"two"
    return Response(stream_with_context(blocks()))
@app.route("/length")
def length():
    def blocks():
        yield b"three"
        gate()
    return Response(blocks(), headers={"Content-Length": "5"})
@app.route("/list")
def many():
    return Response([b"a" * 40000, b"b" * 40000])
class Late(Response):
    def close(self):
        gate()
        super().close()
@app.route("/late")
def late(): return Late(b"late")
class Boxed(Response):
    def iter_encoded(self):
        yield b"boxed"
        gate()
@app.route("/boxed")
def boxed(): return Boxed(b"x")
@app.route("/broken")
def broken():
    response = Response(b"whole")
    response.response = (part for part in [b"who", b"le"])
    return response
"""

    def test_frames(self):
        worker = self.begin(self.APP, FLASK)
        self.one(worker, "/json", b'{"a":1}\n')
        self.one(worker, "/none", b"", "204 NO CONTENT")
        self.one(worker, "/json", b"", REQUEST_METHOD="HEAD")
        for path, body in (("/closed", b"at once"), ("/stream", b"one"), ("/length", b"three"), ("/late", b"late"), ("/boxed", b"boxed")):
            self.early(worker, path, body)
        answer = worker.get(worker.next, PATH_INFO="/list")
        self.assertEqual((answer.length, answer.body), (None, b"a" * 40000 + b"b" * 40000))
        self.assertEqual(worker.get(worker.next + 1, PATH_INFO="/broken").body, b"whole")


@unittest.skipUnless(DJANGO, "SKIP[no-frameworks]: no Python with Django; run make testenv")
class Django(Frames):
    APP = """
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x", DATABASES={"default": {
    "ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}])
import django
django.setup()
from django.core.signals import request_finished
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path
def plain(request): return HttpResponse(b"plain")
def json(request): return JsonResponse({"a": 1})
def page(request): return TemplateResponse(request, engines["django"].from_string("page"))
def query(request):
    with connection.cursor() as cursor:
        cursor.execute("select 41 + 1")
        return HttpResponse(str(cursor.fetchone()[0]))
def stream(request):
    def blocks():
        yield b"one"
        gate()
    return StreamingHttpResponse(blocks())
def written(request):
    response = HttpResponse(b"a" * 40000)
    response.write(b"b" * 40000)
    return response
def closed(request):
    response = HttpResponse(b"at once")
    response._resource_closers.append(type("Mine", (), {"late": lambda self: gate()})().late)
    return response
def error(request):
    connection.errors_occurred = True
    return HttpResponse(b"error")
class Late(HttpResponse):
    def close(self):
        gate()
        super().close()
def late(request): return Late(b"late")
def finished(**kwargs):
    gate()
def signal(request):
    request_finished.connect(finished)
    return HttpResponse(b"signal")
urlpatterns = [path(view.__name__, view) for view in (plain, json, page, query, stream, written, closed, late, error, signal)]
app = get_wsgi_application()
"""

    def test_frames(self):
        worker = self.begin(self.APP, DJANGO)
        for path, body in (("/plain", b"plain"), ("/json", b'{"a": 1}'), ("/page", b"page"), ("/query", b"42")):
            self.one(worker, path, body)
        self.one(worker, "/page", b"page", REQUEST_METHOD="POST")
        for path, body in (("/stream", b"one"), ("/closed", b"at once"), ("/late", b"late")):
            self.early(worker, path, body)
        answer = worker.get(worker.next, PATH_INFO="/error")
        self.assertEqual([part[0] for part in answer.parts], [HEAD, END])
        answer = worker.get(worker.next + 1, PATH_INFO="/written")
        self.assertEqual((answer.length, answer.body), (None, b"a" * 40000 + b"b" * 40000))
        worker.next += 2
        self.one(worker, "/plain", b"plain")
        self.early(worker, "/signal", b"signal")  # from here on there is a receiver of the app's
        self.early(worker, "/plain", b"plain")


if __name__ == "__main__":
    unittest.main()
