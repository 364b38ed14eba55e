"""What APP may be, and the sentence for each way in which it can fail, through the real worker."""

import json
import os
import sys
import unittest

from peer import SHIM_DIR, WorkerTest
from standpipe_shim.boot import spec

HELLO = "def {0}(environ, start_response):\n    start_response('200 OK', [])\n    return [__name__.encode()]\n"
APP = HELLO.format("app")
FLASK = """
class Flask:
    def __init__(self, name): self.name = name
    def __call__(self, environ, start_response):
        start_response("200 OK", [])
        return [self.name.encode()]
"""
# As small as the part of Django that a boot touches.
SETTINGS = """
import os
class Settings:
    def __getattr__(self, name):
        module = os.environ.get("DJANGO_SETTINGS_MODULE")
        if not module:
            from django.core.exceptions import ImproperlyConfigured
            raise ImproperlyConfigured("Requested setting X, but settings are not configured. You must either define the environment variable DJANGO_SETTINGS_MODULE or call settings.configure()")
        import importlib
        return getattr(importlib.import_module(module), name)
settings = Settings()
"""


class Loads(WorkerTest):
    def loads(self, app, found, body=None, how="", env=None, **boot):
        worker = self.peer(None, app, env=env, **boot)
        message = worker.boot()
        self.assertTrue(worker.ready, message)
        self.assertEqual((message["found"], message["how"]), (found, how))
        answer = worker.get()
        self.assertIsNone(answer.error)
        if body is not None:
            self.assertEqual(answer.body.decode(), body)
        return message

    def test_modules(self):
        self.file("shop/__init__.py", "")
        self.file("shop/wsgi.py", HELLO.format("application") + HELLO.format("other"))
        self.loads("shop.wsgi:application", "shop.wsgi:application", "shop.wsgi")
        self.loads("shop.wsgi:other", "shop.wsgi:other")
        self.loads("shop.wsgi", "shop.wsgi:application")
        self.loads(" shop.wsgi : other ", "shop.wsgi:other")

    def test_search_order(self):
        factory = "def {0}():\n    return lambda environ, start_response: (start_response('200 OK', []), [b'{0}'])[1]\n"
        self.file("one.py", HELLO.format("app") + HELLO.format("application") + factory.format("create_app"))
        self.loads("one", "one:application")
        self.file("two.py", "app = None\n" + factory.format("make_app") + factory.format("create_app"))
        self.loads("two", "two:create_app", "create_app")
        self.file("three.py", factory.format("make_app"))
        self.loads("three", "three:make_app", "make_app")
        self.file("flask/__init__.py", FLASK)
        self.file("four.py", "from flask import Flask\nsite = Flask('site')\nagain = site\n" + factory.format("create_app"))
        self.assertEqual(self.loads("four", "four:again", "site")["framework"], "Flask")

    def test_attributes(self):
        self.file("web.py", APP + "class box:\n    inner = type('I', (), {'app': staticmethod(app)})\n")
        self.loads("web:box.inner.app", "web:box.inner.app")

    def test_factories(self):
        self.file(
            "web.py",
            """
            def make(text="none", *, more="-"):
                def app(environ, start_response):
                    start_response("200 OK", [])
                    return [("%s %s" % (text, more)).encode()]
                return app
            class Box:
                def make(self): return make("method")
                @classmethod
                def two(cls, config=None, debug=False): return make("class")
            box = Box()
            class Instance:
                def __call__(self, environ, start_response): return make("instance")(environ, start_response)
            class Class:
                def __init__(self, environ, start_response): start_response("200 OK", [])
                def __iter__(self): return iter([b"class app"])
            def deco(f):
                import functools
                @functools.wraps(f)
                def inner(*args, **kwargs): return f(*args, **kwargs)
                return inner
            @deco
            def wrapped(): return make("wrapped")
            @deco
            def wrapped_app(environ, start_response): return make("wrapped app")(environ, start_response)
            def anything(*args): return make("anything")(*args)
            import functools
            part = functools.partial(make("part"))
            """,
        )
        for app, body in {
            "web:make": "none -",
            "web:make()": "none -",
            'web:make("prod")': "prod -",
            "web:make('a(b:c)', more=[1, 'x'])": "a(b:c) [1, 'x']",
            "web:box.make": "method -",
            "web:Box.two": "class -",
            "web:Instance": "instance -",
            "web:Class": "class app",
            "web:wrapped": "wrapped -",
            "web:wrapped_app": "wrapped app -",
            "web:anything": "anything -",
            "web:part": "part -",
        }.items():
            with self.subTest(app):
                self.loads(app, app.partition("(")[0], body)

    def test_files(self):
        self.file("shop/__init__.py", "")
        self.file("shop/wsgi.py", APP)
        self.file("web.py", APP)
        self.file("src/inner.py", "import beside\n" + APP)
        self.file("src/beside.py", "")
        self.file("my-app.py", APP)
        self.file("json.py", APP)
        self.file("conf/app.wsgi", HELLO.format("application"))
        self.loads("web.py", "web:app", "web")
        self.loads("web.py:app", "web:app", "web")
        self.loads("shop/wsgi.py:app", "shop.wsgi:app", "shop.wsgi")
        self.loads("src/inner.py", "inner:app", "inner")
        self.loads("src/inner", "inner:app", "inner")
        self.loads("my-app.py", "my-app.py:app", "_standpipe_my_app_py")
        self.loads("conf/app.wsgi", "conf/app.wsgi:application", "_standpipe_app_wsgi")
        self.loads(os.path.join(self.dir, "web.py"), "web:app", "web")

    def test_a_file_whose_name_is_taken(self):
        self.file("sys.py", APP)
        self.loads("sys.py", "sys.py:app", "_standpipe_sys_py")

    def test_path_and_argv(self):
        text = "import sys, json\ndef app(e, s):\n    s('200 OK', [])\n    return [json.dumps([sys.path, sys.argv]).encode()]\n"
        self.file("web.py", text)
        worker = self.worker(app="web:app", pythonpath=["lib", "/opt/x"])
        path, argv = json.loads(worker.get().body)
        self.assertEqual(path[:3], [self.dir, os.path.join(self.dir, "lib"), "/opt/x"])
        self.assertNotIn(SHIM_DIR, path)
        self.assertNotIn("", path)
        self.assertEqual(argv, ["web"])
        _, argv = json.loads(self.worker(app="web.py").get().body)
        self.assertEqual(argv, [os.path.join(self.dir, "web.py")])

    def test_candidates(self):
        both = {"candidates": ["wsgi.py", "app.py", "shop/__init__.py", "src/main.py", "manage.py"]}
        self.file("src/main.py", APP)
        self.loads("", "main:app", "main", "found src/main.py", **both)
        self.file("shop/__init__.py", "def create_app():\n    from .inner import app\n    return app\n")
        self.file("shop/inner.py", APP)
        self.loads("", "shop:create_app", "shop.inner", "found shop/__init__.py", **both)
        self.file("wsgi.py", "nothing = 1\n")
        self.loads("", "shop:create_app", "shop.inner", "found shop/__init__.py", **both)
        self.file("app.py", APP)
        self.loads("", "app:app", "app", "found app.py", **both)
        self.file("other.py", APP)
        self.loads("", "other:app", "other", "found FLASK_APP", env={"FLASK_APP": "other"}, **both)
        self.loads("", "other:app", "other", "found FLASK_APP", env={"FLASK_APP": "other.py:app"}, **both)
        self.loads("app", "app:app", "app", env={"FLASK_APP": "other"}, **both)

    def django(self):
        self.file("lib/site-packages/django/__init__.py", "")
        self.file("lib/site-packages/django/conf/__init__.py", SETTINGS)
        self.file("lib/site-packages/django/core/__init__.py", "")
        self.file("lib/site-packages/django/core/exceptions.py", "class ImproperlyConfigured(Exception): pass\n")
        self.file("lib/site-packages/django/core/wsgi.py", "def get_wsgi_application():\n    import web\n    return web.app\n")
        self.file("web.py", APP)
        self.file("site1/__init__.py", "")
        self.file("site1/settings.py", "WSGI_APPLICATION = None\n")
        self.file("site1/wsgi.py", "from django.conf import settings\nassert settings.WSGI_APPLICATION\n" + HELLO.format("application"))
        return self.file("manage.py", 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")\n')

    def test_manage_py(self):
        self.django()
        self.loads(
            "",
            "django.core.wsgi:get_wsgi_application",
            "web",
            "found manage.py",
            candidates=["manage.py"],
            pythonpath=["lib/site-packages"],
        )
        self.file("site1/settings.py", "WSGI_APPLICATION = 'site1.wsgi.application'\n")
        self.loads(
            "", "site1.wsgi:application", "site1.wsgi", "found manage.py", candidates=["manage.py"], pythonpath=["lib/site-packages"]
        )
        self.file("manage.py", "os.environ['DJANGO_SETTINGS_MODULE'] = 'site1.settings'\n")
        self.loads(
            "", "site1.wsgi:application", "site1.wsgi", "found manage.py", candidates=["manage.py"], pythonpath=["lib/site-packages"]
        )

    # Failures.

    def refused(self, app, kind, *words, fix=None, **options):
        worker = self.peer(None, app, **options)
        message = worker.boot()
        self.assertFalse(worker.ready, message)
        self.assertEqual((message["kind"], worker.wait()), (kind, 3), message)
        for word in words:
            self.assertIn(word, message["message"])
        self.assertNotIn("\n", message["message"])
        if fix is not None:
            self.assertEqual(message["fix"], fix)
        self.assertNotIn("standpipe_shim", message["traceback"])
        self.assertNotIn("importlib._bootstrap", message["traceback"])
        self.assertEqual(message["dir"], self.dir)
        self.assertIn(self.dir, message["sys_path"])
        return message

    def test_no_module(self):
        self.file("shop/__init__.py", "")
        self.file("shop/wsgi.py", APP)
        self.refused(
            "shap.wsgi", "no_module", "there is no module shap.wsgi", self.dir, "did you mean shop.wsgi?", fix="standpipe serve shop.wsgi"
        )
        self.refused("shop.wsgy:app", "no_module", "there is no module shop.wsgy", fix="standpipe serve shop.wsgi:app")
        self.refused(
            "shop/wsgy.py", "no_module", "there is no file shop/wsgy.py in " + self.dir, "shop/wsgi.py?", fix="standpipe serve shop/wsgi.py"
        )
        self.refused("zzz", "no_module", "there is no module zzz; looked in " + self.dir, fix="standpipe serve --dir FOLDER zzz")
        self.file("web 1.py", APP)
        named = {"named": "standpipe.toml:3"}
        self.refused("zzz", "no_module", fix='in standpipe.toml:3, write: module = "web 1.py"', **named)
        self.refused("zzz", "no_module", fix="standpipe serve 'web 1.py'")
        self.refused("zzz:app", "no_module", "zzz:app: there is no module zzz; looked in ", fix="standpipe serve 'web 1.py'")

    def test_guess_is_said_once(self):
        self.file("shop/__init__.py", "def (\n")
        guess = "shop/__init__.py is a guess"
        self.refused("", "error", "shop/__init__.py:1: SyntaxError", guess, candidates=["shop/__init__.py"])
        message = self.refused("", "error", "shop/__init__.py:1: SyntaxError", candidates=["shop/__init__.py"], generation=2)
        self.assertNotIn(guess, message["message"])

    def test_module_in_another_folder(self):
        self.file("shop/__init__.py", "")
        self.file("shop/main.py", APP)
        self.file("src/tea/wsgi.py", APP)
        self.refused("main:app", "no_module", "did you mean shop.main?", fix="standpipe serve shop.main:app")
        self.refused("tea.wsgi:app", "no_module", "it is in the folder src", fix="standpipe serve --dir src tea.wsgi:app")
        self.refused("tea.wsgi", "no_module", fix='in standpipe.toml:3, write: dir = "src"', named="standpipe.toml:3")
        self.dir = os.path.join(self.dir, "shop")
        self.refused("shop.main:app", "no_module", "it is in the folder above", fix="standpipe serve --dir .. shop.main:app")

    def test_missing_import_inside_the_app(self):
        self.file("shop/__init__.py", "")
        self.file("shop/wsgi.py", "import os\n\nimport flask_login\n")
        message = self.refused(
            "shop.wsgi:application",
            "error",
            "shop/wsgi.py:3 imports flask_login, which %s (%d.%d.%d, found .venv) does not have"
            % ((sys.executable,) + sys.version_info[:3]),
        )
        self.assertEqual((message["file"], message["line"]), ("shop/wsgi.py", 3))
        self.assertRegex(message["fix"], r" install (--python \S+ )?flask-login$")  # with uv where Python has no pip
        self.file("requirements.txt", "# all\nFlask_Login>=0.6  # sessions\n")
        self.assertRegex(self.refused("shop.wsgi", "error")["fix"], r" install (--python \S+ )?-r requirements\.txt$")
        self.file("uv.lock", '[[package]]\nname = "flask-login"\n')
        self.refused("shop.wsgi", "error", fix="uv sync")
        self.assertIn("import flask_login", message["traceback"])
        self.assertEqual(message["traceback"].count('File "'), 1)
        self.file("web.py", "import shop.missing\n")
        self.refused("web", "error", "web.py:1 imports shop.missing, which is not in " + self.dir)
        self.file("lib/site-packages/tool.py", "import deep_need\n")
        self.file("web.py", "import tool\n")
        self.refused(
            "web", "error", "web.py:1 leads to lib/site-packages/tool.py:1, which imports deep_need", pythonpath=["lib/site-packages"]
        )

    def test_no_attribute(self):
        self.file("web.py", HELLO.format("aplication") + "x = 1\nclass box: pass\n")
        self.refused(
            "web:application",
            "no_attribute",
            "web has no application",
            "web.py:1: ",
            "did you mean aplication?",
            "web:aplication",
            fix="standpipe serve web:aplication",
        )
        self.refused("web:zzz", "no_attribute", "web.py:1: ", fix="standpipe serve web:aplication")
        self.refused("web:box.inner", "no_attribute", "web:box has no inner")
        self.file("plain.py", "def application(e, s): pass\n")
        self.refused("plain:zzz", "no_attribute", "plain.py:1: ", "plain:application", fix="standpipe serve plain:application")
        self.file("shop/__init__.py", "")
        self.file("shop/wsgi.py", APP)
        self.refused("shop:zzz", "no_attribute", "shop has no zzz; did you mean shop.wsgi?")

    def test_not_callable(self):
        self.file(
            "web.py",
            "text = 'x'\nnone = None\ndef make(): return None\ndef number(): return 3\nclass I:\n    def __call__(self): pass\ni = I()\ndef other(): return I()\n",
        )
        self.refused("web:text", "not_callable", "web:text is a str, which cannot be called")
        self.refused("web:none", "not_callable", "web:none is None")
        self.refused("web:make", "not_callable", "web:make() returned None, which cannot be called")
        self.refused("web:number()", "not_callable", "web:number() returned an int")
        self.refused("web:i", "not_callable", "web:i cannot be called with environ and start_response")
        self.refused("web:other", "not_callable", "web:other() returned an I")

    def test_needs_arguments(self):
        self.file(
            "web.py",
            "def create_app(config, db): pass\ndef make(config): pass\ndef key(*, name): pass\nclass C:\n    def __init__(self, one, two, three): pass\n",
        )
        self.refused("web", "needs_arguments", "web:create_app needs arguments: config, db", 'web:create_app("value")')
        self.refused("web:make", "needs_arguments", "web:make needs arguments: config")
        self.refused("web:make()", "needs_arguments", "config")
        self.refused("web:key", "needs_arguments", "name")
        self.refused("web:C", "needs_arguments", "one, two, three")
        self.refused("web:create_app('x')", "needs_arguments", "db")

    def test_asgi(self):
        self.file(
            "web.py",
            """
            async def coroutine(scope, receive, send): pass
            class FastAPI:
                async def __call__(self, scope, receive, send): pass
            app = FastAPI()
            class Starlette:
                def __call__(self, *args): pass
            star = Starlette()
            def create(): return app
            def three(scope, receive, send): pass
            """,
        )
        message = self.refused("web", "asgi", "web.py:5: web:app is an ASGI app (FastAPI); standpipe serves WSGI")
        self.assertEqual((message["file"], message["line"]), ("web.py", 5))
        wants = r" install (--python \S+ )?a2wsgi\nwrite wsgi\.py:\n    from a2wsgi import ASGIMiddleware\n    from web import app\n"
        self.assertRegex(message["fix"], wants)
        self.assertIn("    application = ASGIMiddleware(app)\nstandpipe serve wsgi.py\n", message["fix"])
        self.refused("web:coroutine", "asgi", "web:coroutine is an ASGI app; standpipe serves WSGI")
        self.refused("web:star", "asgi", "(Starlette)")
        self.assertIn("ASGIMiddleware(create())", self.refused("web:create", "asgi", "web:create() is an ASGI app")["fix"])
        self.refused("web:three", "asgi", "web:three is an ASGI app")

    def test_app_run(self):
        self.file("web.py", APP + "from wsgiref.simple_server import make_server\n\nmake_server('127.0.0.1', 0, app).serve_forever()\n")
        message = self.refused("web:app", "app_run", "web.py:6 starts a server of its own", 'if __name__ == "__main__"')
        self.assertEqual((message["file"], message["line"]), ("web.py", 6))
        self.assertEqual(
            message["fix"], 'in web.py, put line 6 below this one, indented:\n    if __name__ == "__main__":\nstandpipe serve web:app'
        )
        self.file("werkzeug/__init__.py", "")
        self.file("werkzeug/serving.py", "def run_simple(*args, **kwargs): raise SystemExit(1)\n")
        self.file(
            "web.py",
            APP + "from werkzeug.serving import run_simple\ntry:\n    run_simple('localhost', 5000, app)\nexcept Exception:\n    pass\n",
        )
        self.refused("web:app", "app_run", "web.py:6", "run_simple")

    def test_the_guard_ends_with_the_boot(self):
        self.file(
            "web.py",
            """
            import socketserver, sys
            def app(environ, start_response):
                start_response("200 OK", [])
                import http.server
                return [repr([socketserver.BaseServer.serve_forever.__module__, socketserver.__loader__ is socketserver.__spec__.loader,
                    [type(f).__module__ for f in sys.meta_path if "standpipe_shim.boot.guard" in type(f).__module__]]).encode()]
            """,
        )
        self.loads("web:app", "web:app", "['socketserver', True, []]")

    def test_settings(self):
        self.django()
        self.refused(
            "site1.wsgi",
            "settings",
            "site1/wsgi.py:2 uses Django's settings, but DJANGO_SETTINGS_MODULE is not set",
            fix="standpipe serve -e DJANGO_SETTINGS_MODULE=site1.settings site1.wsgi",
            pythonpath=["lib/site-packages"],
        )
        self.refused(
            "",
            "error",
            "imports site1.nothing, which is not in " + self.dir,
            env={"DJANGO_SETTINGS_MODULE": "site1.nothing"},
            candidates=["manage.py"],
            pythonpath=["lib/site-packages"],
        )

    def test_nothing_found(self):
        self.file("wsgi.py", "x = 1\n")
        self.refused("", "no_app", "no app was found in " + self.dir, "wsgi.py has no application", candidates=["wsgi.py", "app.py"])
        self.refused("", "no_app", "there is no app.py, main.py", candidates=["app.py", "main.py"])
        self.refused("", "no_app", "no app was found", candidates=[])
        self.file("web.py", HELLO.format("api"))
        self.refused("web", "no_app", "web has no application, app, create_app or make_app", "web:api")
        self.file("flask/__init__.py", FLASK)
        self.file("wsgi.py", "from flask import Flask\na = Flask('a')\nb = Flask('b')\n")
        self.file("app.py", APP)
        self.refused("", "no_app", "several Flask apps: a, b", "wsgi:a", candidates=["wsgi.py", "app.py"])

    def test_a_candidate_that_fails_is_never_passed_over(self):
        self.file("wsgi.py", "\nraise ValueError('no')\n")
        self.file("app.py", APP)
        self.refused("", "error", "wsgi.py:2: ValueError: no", candidates=["wsgi.py", "app.py"])

    def test_bad_spec(self):
        self.file("web.py", APP)
        for app in ("web:", ":app", "web:app()()", "web:1x", "web:make(x)", "web:make(", "web:make(**{})", "we b", "web:[0]", "a..b"):
            with self.subTest(app):
                self.refused(app, "bad_spec")

    def test_errors_inside_the_import(self):
        self.file("shop/__init__.py", "")
        self.file("shop/wsgi.py", "from shop import models\n")
        self.file("shop/models.py", "x = 1\n\n\ny = (\n")
        message = self.refused("shop.wsgi", "error", "shop/models.py:4: SyntaxError: ")
        self.assertEqual((message["file"], message["line"]), ("shop/models.py", 4))
        self.file("shop/models.py", "if 1:\nx = 1\n")
        self.refused("shop.wsgi", "error", "shop/models.py:2: IndentationError: ")
        for text, words in {
            "raise ValueError('two\\nlines  here')": "shop/models.py:1: ValueError: two lines here",
            "raise KeyError": "shop/models.py:1: KeyError",
            "from os import nothing": "shop/models.py:1: ImportError: cannot import name 'nothing'",
            "import sys; sys.exit(4)": "shop/models.py:1 called sys.exit(4) while it was imported",
            "raise KeyboardInterrupt": "shop/models.py:1: KeyboardInterrupt",
            "import json; json.loads('{')": "shop/models.py:1: JSONDecodeError: ",
        }.items():
            with self.subTest(text):
                self.file("shop/models.py", text + "\n")
                self.refused("shop.wsgi", "error", words)

    def test_errors_inside_a_factory(self):
        self.file("web.py", "def create_app():\n    raise RuntimeError('no database')\n")
        self.refused("web", "error", "web.py:2: RuntimeError: no database")

    def test_threads_left_behind_do_not_hold_a_failed_worker(self):
        self.file("web.py", "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n1 / 0\n")
        self.refused("web", "error", "ZeroDivisionError")


class Spec(unittest.TestCase):
    def test_parse(self):
        for text, want in {
            "a.b:c": ("a.b", "", "c", None),
            "a": ("a", "", "", None),
            "a.py": ("", "/srv/a.py", "", None),
            "x/a.py:c.d": ("", "/srv/x/a.py", "c.d", None),
            "/o/a.wsgi": ("", "/o/a.wsgi", "", None),
            "a:f(1, 'x:y', k=[2])": ("a", "", "f", ((1, "x:y"), {"k": [2]})),
            "a:f(-1)": ("a", "", "f", ((-1,), {})),
        }.items():
            module, path, name, call = spec.parse(text, "/srv")
            call = call and (tuple(call[0]), call[1])
            self.assertEqual((module, path, name, call), want, text)


if __name__ == "__main__":
    unittest.main()
