"""What Ready says of the app's static folders. The real frameworks are served by the integration tests; here a stand-in for
Flask shows that whatever goes wrong in looking at one keeps no app from serving."""

import os
import unittest

from peer import WorkerTest

FLASK = """
class Rule:
    host, subdomain, endpoint, rule = "", "", "static", "/static/<path:filename>"

class Blueprint:
    pass

class Flask:
    def __init__(self, folder):
        self.static_folder = folder
        self.url_map = self
        self.blueprints, self.before_request_funcs, self.url_value_preprocessors = {}, {}, {}
        self.view_functions = {"static": self.send_static_file}

    def iter_rules(self):
        return [Rule()]

    def send_static_file(self):
        pass

    full_dispatch_request = preprocess_request = dispatch_request = send_static_file

    def wsgi_app(self, environ, start_response):
        start_response("200 OK", [])
        return [b"served"]

    def __call__(self, environ, start_response):
        return self.wsgi_app(environ, start_response)
"""


class Declares(WorkerTest):
    def declared(self, app, **boot):
        self.file("flask/__init__.py", FLASK)
        self.file("static/x.txt", "x")
        self.file("one.py", "import os, flask\nhere = os.path.dirname(os.path.abspath(__file__))\n" + app)
        worker = self.peer(None, "one:app", **boot)
        message = worker.boot()
        self.assertTrue(worker.ready, message)
        self.assertEqual(worker.get().body, b"served")
        return message.get("static")

    def test_folder(self):
        (folder,) = self.declared("app = flask.Flask(here + '/static')\n")
        self.assertEqual((folder["url"], folder["kind"], folder["refused"]), ("/static/", "Flask", ""))
        self.assertTrue(os.path.samefile(os.path.join(folder["dir"], "x.txt"), os.path.join(folder["dir"], "..", "static", "x.txt")))

    def test_script_name(self):
        (folder,) = self.declared("app = flask.Flask(here + '/static')\n", environ={"SCRIPT_NAME": b"/shop"})
        self.assertEqual(folder["url"], "/shop/static/")

    def test_guard(self):
        (folder,) = self.declared("def login(): pass\napp = flask.Flask(here + '/static')\napp.before_request_funcs[None] = [login]\n")
        self.assertEqual(folder["refused"], "the app has before_request login")

    def test_no_folder(self):
        (folder,) = self.declared("app = flask.Flask(here + '/none')\n")
        self.assertEqual(folder["trouble"], "it does not exist")
        self.assertIsNone(self.declared("app = flask.Flask(here + '/none/static')\n"))  # Flask's default
        self.assertIsNone(self.declared("app = flask.Flask(None)\n"))

    def test_unknown_release(self):
        for change, error in (
            ("del app.url_map", "AttributeError"),
            ("app.iter_rules = lambda: 1 / 0", "ZeroDivisionError"),
            ("import sys\napp.iter_rules = lambda: sys.exit(5)", "SystemExit"),
        ):
            (folder,) = self.declared("app = flask.Flask(here + '/static')\n%s\n" % change)
            self.assertIn(error, folder["trouble"])
            self.assertIn(error, folder["traceback"])
            self.assertEqual((folder["url"], folder["dir"], folder["kind"]), ("", "", "Flask"))

    def test_after_request(self):
        (folder,) = self.declared(
            "def fields(response): return response\napp = flask.Flask(here + '/static')\napp.after_request_funcs = {None: [fields]}\n"
        )
        self.assertEqual(folder["refused"], "the app has after_request fields")

    def test_max_age(self):
        (folder,) = self.declared("app = flask.Flask(here + '/static')\napp.config = {'SEND_FILE_MAX_AGE_DEFAULT': 60}\n")
        self.assertEqual((folder["refused"], folder["cache"]), ("", "public, max-age=60"))

    def test_no_framework(self):
        self.assertIsNone(self.declared("def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'served']\n"))


if __name__ == "__main__":
    unittest.main()
