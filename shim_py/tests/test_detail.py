"""The development mode: what an error page gets to know of an exception, and what it does not."""

import json
import os
import sys
import tempfile
import time
import unittest

from peer import SHIM_DIR, WorkerTest, environ, pack, unpack

from standpipe_shim.core import packing
from standpipe_shim.dev import masking
from standpipe_shim.dev.detail import LIMIT, detail
from standpipe_shim.dev.reprs import Reprs
from standpipe_shim.dev.sources import Sources, decoded
from standpipe_shim.dev.stack import MOST

VECTORS = os.path.join(os.path.dirname(SHIM_DIR), "shim", "testdata", "vectors")


def read(raw):
    """Returns the map of a Detail, which nests deeper than other values."""
    before, packing.DEPTH = packing.DEPTH, 12
    try:
        return unpack(raw)
    finally:
        packing.DEPTH = before


def of(function, *args, **more):
    try:
        function(*args)
    except BaseException as error:
        return read(detail(error, os.path.dirname(os.path.abspath(__file__)), **more))
    raise AssertionError("nothing was raised")


def variables(frame):
    return dict(zip(frame["locals"][::2], frame["locals"][1::2]))


class Masks(unittest.TestCase):
    def test_names(self):
        secret = "password PASSWORD db_password api_key SECRET_KEY apiKey X-Api-Key HTTP_AUTHORIZATION HTTP_COOKIE csrftoken key_id passwd AWS_SECRET dsn private_key"
        for name in secret.split():
            self.assertTrue(masking.is_secret(name, "a"), name)
        for name in "monkey keyword keys key turkey cart user tokens_left_in_bag author passenger".split():
            expected = name in ("tokens_left_in_bag", "passenger")
            self.assertEqual(masking.is_secret(name, "a"), expected and "token" in name or "passw" in name, name)
        self.assertTrue(masking.is_secret("key", "0123456789abcdef"))
        self.assertFalse(masking.is_secret("key", 7))

    def test_texts(self):
        for text, left in (
            ("postgres://shop:hidden@db/shop", "postgres://shop:[masked]@db/shop"),
            ("User(name='a', password='hidden')", "User(name='a', password=[masked])"),
            ('{"api_key": "hidden", "a": 1}', '{"api_key": [masked], "a": 1}'),
            ("Bearer abcdefgh.ijkl", "Bearer [masked]"),
        ):
            self.assertEqual(masking.text(text), left)
        self.assertEqual(masking.query("/a?b=1&token=hidden&c="), "/a?b=1&token=[masked]&c=")
        self.assertEqual(masking.cookies("a=1; session=hidden; b"), "a=[masked]; session=[masked]; b=[masked]")


class Hangs:
    def __repr__(self):
        while True:
            pass


class Sleeps:
    def __repr__(self):
        time.sleep(30)
        return "late"


class Raises:
    def __repr__(self):
        raise SystemExit("no")


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Endless(list):
    def __iter__(self):
        raise AssertionError("a subclass is not asked")

    __len__ = __iter__

    def __repr__(self):
        raise AssertionError("a subclass is not asked")


class Values(unittest.TestCase):
    def test_what_hangs_or_raises(self):
        began = time.monotonic()
        reprs = Reprs(each=0.1, total=2)
        for value in (Hangs(), Sleeps(), Hangs(), Sleeps()):
            self.assertIn(type(value).__name__, reprs.of(value))
        self.assertLess(time.monotonic() - began, 20)
        self.assertIn("Raises", Reprs().of(Raises()))

    def test_large_ones_are_cut(self):
        for value in (
            list(range(10**6)),
            "a" * 10**7,
            b"a" * 10**7,
            {n: n for n in range(10**5)},
            [["a" * 1000] * 100] * 100,
            Plain(items=[0] * 10**6),
            1 << 10**6,
        ):
            self.assertLess(len(Reprs().of(value)), 2000)

    def test_own_types_are_read_by_their_own_methods(self):
        self.assertEqual(Reprs().of(Endless([1, 2])), "Endless([1, 2])")
        self.assertEqual(Reprs().of((1,)), "(1,)")
        self.assertEqual(Reprs().of(set()), "set()")
        self.assertEqual(Reprs().of({1}), "{1}")

    def test_secrets_in_containers_and_attributes(self):
        shown = Reprs().of({"password": "hidden", "inner": {"api_token": "hidden"}, "o": Plain(secret="hidden", name="ann")})
        self.assertNotIn("hidden", shown)
        self.assertIn("ann", shown)

    def test_cycles_end(self):
        a = []
        a.append(a)
        o = Plain()
        o.self = o
        self.assertLess(len(Reprs().of(a) + Reprs().of(o)), 200)


class Details(unittest.TestCase):
    def test_frames_and_chain(self):
        def inner(amount, password):
            return amount / 0

        def outer():
            try:
                inner(1, "hidden")
            except ZeroDivisionError as error:
                raise ValueError("no price") from error

        found = of(outer)
        last, cause = found["exceptions"]
        self.assertEqual((last["type"], last["message"], last["link"]), ("ValueError", "no price", ""))
        self.assertEqual((cause["type"], cause["link"], cause["parent"]), ("ZeroDivisionError", "cause", 0))
        frame = cause["frames"][-1]
        self.assertEqual((frame["file"], frame["own"], frame["kind"]), ("test_detail.py", True, ""))
        line = frame["source"][frame["line"] - frame["first"]]
        self.assertIn("return amount / 0", line)
        if sys.version_info >= (3, 11) and sys.implementation.name == "cpython":
            self.assertEqual(line[frame["from"] : frame["to"]], "amount / 0")
        self.assertEqual(variables(frame)["amount"], "1")
        self.assertNotIn("hidden", variables(frame).values())

    def test_groups(self):
        if sys.version_info < (3, 11):
            return
        found = of(exec, "raise ExceptionGroup('many', [ValueError(1), ExceptionGroup('inner', [KeyError(2)])])")
        self.assertEqual(
            [(e["type"], e["link"], e["parent"]) for e in found["exceptions"]],
            [("ExceptionGroup", "", 0), ("ValueError", "group", 0), ("ExceptionGroup", "group", 0), ("KeyError", "group", 2)],
        )

    def test_recursion_is_one_call(self):
        def down(n):
            return down(n - 1) if n else 1 / 0

        def ping(n):
            return pong(n - 1) if n > 0 else 1 / 0

        def pong(n):
            return ping(n - 1)

        before = sys.getrecursionlimit()
        sys.setrecursionlimit(6000)
        try:
            for function in (down, ping):
                frames = of(function, 3000)["exceptions"][0]["frames"]
                self.assertLess(len(frames), 10)
                self.assertGreater(sum(frame["skipped"] for frame in frames), 2900)
        finally:
            sys.setrecursionlimit(before)

    def test_many_frames_are_bounded(self):
        source = "".join("def f%d(): f%d()\n" % (n, n + 1) for n in range(400)) + "def f400(): 1 / 0\n"
        names = {}
        exec(source, names)
        frames = of(names["f0"])["exceptions"][0]["frames"]
        self.assertEqual((len(frames), frames[-1]["function"]), (MOST, "f400"))
        self.assertEqual(sum(frame["skipped"] for frame in frames), 402 - MOST)

    def test_a_long_chain_and_a_cycle_end(self):
        def chain():
            first = error = ValueError("0")
            for n in range(5000):
                error.__cause__ = ValueError(str(n))
                error = error.__cause__
            error.__cause__ = first
            raise first

        self.assertLessEqual(len(of(chain)["exceptions"]), 64)

    def test_the_whole_is_bounded(self):
        def wide(n):
            values = {"\U0001f600%d" % i: "\U0001f600" * 5000 for i in range(40)}
            exec("", {}, {})
            locals().update(values)
            data = list(values.items())
            names = {"f": wide, "n": n, "data": data}
            exec(
                "def g(%s):\n    return f(n - 1) if n else 1 / 0\ng(%s)"
                % (", ".join("a%d=0" % i for i in range(40)), ", ".join(["data"] * 40)),
                names,
            )

        try:
            wide(60)
        except ZeroDivisionError as error:
            raw = detail(error, "/nowhere", environ={"HTTP_X_%d" % i: "\xff" * 5000 for i in range(500)})
        self.assertLessEqual(len(raw), LIMIT)
        self.assertTrue(read(raw)["exceptions"][0]["frames"])

    def test_syntax_errors(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "broken.py")
            with open(path, "w") as out:
                out.write("a = 1\nb = (2,\nc = 'd\n")
            with open(path) as source:
                found = of(compile, source.read(), path, "exec")
        frame = found["exceptions"][0]["frames"][-1]
        self.assertEqual((frame["kind"], frame["path"]), ("syntax", path))
        self.assertEqual(frame["source"][0], "a = 1")
        self.assertGreater(frame["to"], frame["from"])
        frame = of(compile, "a = = 1", "<typed>", "exec")["exceptions"][0]["frames"][-1]
        self.assertEqual((frame["source"], frame["from"]), (["a = = 1"], 4))

    def test_the_request_is_masked(self):
        values = {
            key: value.decode("latin-1")
            for key, value in environ(
                HTTP_COOKIE="session=hidden", HTTP_AUTHORIZATION="Basic hidden12", QUERY_STRING="a=1&token=hidden", HTTP_X_API_KEY="hidden"
            ).items()
        }
        values["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
        found = of(exec, "1/0", environ=values, body=b"name=ann&password=hidden")
        self.assertNotIn("hidden", json.dumps(found["sections"]))
        self.assertIn(["name", "ann", "password", "[masked]"], [section["pairs"] for section in found["sections"]])
        values["CONTENT_TYPE"] = "application/json"
        found = of(exec, "1/0", environ=values, body=b'{"name": "ann", "user": {"password": "hidden"}}')
        self.assertNotIn("hidden", json.dumps(found["sections"]))

    def test_foreign_exceptions(self):
        class Odd(Exception):
            __notes__ = [1, None]
            exceptions = 7
            filename = 3
            lineno = "a"

            def __str__(self):
                raise ValueError("no")

        def odd():
            raise Odd

        self.assertEqual(of(odd)["exceptions"][0]["notes"], ["1", "None"])

    def test_vectors(self):
        with open(os.path.join(VECTORS, "details.json"), encoding="utf-8") as file:
            vectors = json.load(file)
        self.assertGreater(len(vectors), 8)
        for vector in vectors:
            if not vector.get("error"):
                self.assertEqual(pack(vector["value"]).hex(), vector["payload_hex"], vector["name"])
                self.assertEqual(read(bytes.fromhex(vector["payload_hex"])), vector["value"])


class Files(unittest.TestCase):
    def test_encodings(self):
        self.assertEqual(decoded(b"# coding: latin-1\na = '\xe9'\n"), "# coding: latin-1\na = '\xe9'\n")
        self.assertEqual(decoded(b"a = '\xe9'\n"), "a = '\xe9'\n")
        self.assertEqual(decoded(b"# coding: nonsense\na\n").splitlines()[1], "a")
        self.assertEqual(decoded("\ufeffa = '\xe9'\n".encode()).lstrip("\ufeff"), "a = '\xe9'\n")
        self.assertEqual(len(decoded(b"a\x0cb\nc\n").splitlines()), 2)

    def test_what_is_no_file(self):
        for name in ("<nothing>", "/nowhere/at/all.py", "/dev", "a\0b", ""):
            self.assertEqual(Sources().around(name, 1), (0, [], ""))


FAILING = """
class Gone:
    def __repr__(self):
        return "gone-" + self.missing
def app(environ, start_response):
    thing, password = Gone(), "hidden"
    if environ["PATH_INFO"] == "/late":
        start_response("200 OK", [])
        return later()
    raise ValueError("no cart")
def later():
    yield b"begun"
    raise ValueError("late")
"""

FRAMEWORKS = {
    "flask": """
import flask
app = flask.Flask(__name__)
@app.route("/fail")
def fail(): raise ValueError("from the view")
@app.route("/own")
def own(): return "mine", 500
""",
    "bottle": """
import bottle
app = bottle.Bottle()
@app.route("/fail")
def fail(): raise ValueError("from the view")
@app.route("/own")
def own(): return bottle.HTTPResponse("mine", 500)
""",
    "falcon": """
import falcon
class Fail:
    def on_get(self, request, response): raise ValueError("from the view")
class Own:
    def on_get(self, request, response): raise falcon.HTTPInternalServerError(title="mine")
app = falcon.App()
app.add_route("/fail", Fail())
app.add_route("/own", Own())
""",
    "pyramid": """
from pyramid.config import Configurator
from pyramid.response import Response
def fail(request): raise ValueError("from the view")
def own(request): return Response("mine", 500)
def answer(error, request): return Response("an exception view", 500)
with Configurator() as config:
    config.add_route("fail", "/fail")
    config.add_route("own", "/own")
    config.add_view(fail, route_name="fail")
    config.add_view(own, route_name="own")
    config.add_exception_view(answer, context=ValueError)
    app = config.make_wsgi_app()
""",
    "django": """
import django
from django.conf import settings
settings.configure(DEBUG=False, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="hidden")
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.urls import path
def fail(request): raise ValueError("from the view")
def own(request): return HttpResponse("mine", status=500)
urlpatterns = [path("fail", fail), path("own", own)]
django.setup()
app = WSGIHandler()
""",
}


# A busy machine may need longer for the text of a value than the page waits for it.
PATIENT = "import standpipe_shim.dev.reprs\nstandpipe_shim.dev.reprs.Reprs.__init__.__defaults__ = (60, 60)\n"


class Workers(WorkerTest):
    def test_an_error_has_its_detail(self):
        for more in ({}, {"threads": 2}):
            worker = self.worker(FAILING + PATIENT, dev=True, **more)
            error = worker.get(HTTP_COOKIE="a=hidden").error
            self.assertEqual((error["type"], error["message"]), ("ValueError", "no cart"))
            found = read(error["detail"])
            frame = found["exceptions"][0]["frames"][-1]
            self.assertEqual((frame["own"], frame["function"], variables(frame)["password"]), (True, "app", "[masked]"))
            self.assertIn("AttributeError", variables(frame)["thing"])
            self.assertEqual(found["sections"][-1]["title"], "Environ")
            self.assertNotIn("hidden", json.dumps(found["sections"]))

    def test_an_error_after_the_head(self):
        answer = self.worker(FAILING, dev=True).get(PATH_INFO="/late")
        self.assertEqual((answer.body, answer.error["message"]), (b"begun", "late"))

    def test_nothing_of_it_without_dev(self):
        worker = self.worker(
            FAILING
            + "import sys\ndef modules(): return [n for n in sys.modules if '_shim.dev' in n]\n_app = app\ndef app(e, s):\n    if e['PATH_INFO'] == '/m':\n        s('200 OK', [])\n        return [repr(modules()).encode()]\n    return _app(e, s)\n"
        )
        self.assertEqual(sorted(worker.get().error), ["file", "function", "line", "message", "text", "traceback", "type"])
        self.assertEqual(worker.get(2, PATH_INFO="/m").body, b"[]")

    def test_a_boot_that_fails(self):
        worker = self.peer("import os\nname = 'shop'\napp = nme\n", dev=True)
        failed = worker.boot()
        self.assertFalse(worker.ready)
        raised = read(failed["detail"])["exceptions"][0]
        self.assertEqual((raised["type"], raised["frames"][-1]["line"]), ("NameError", 3))
        self.assertEqual(variables(raised["frames"][-1]), {"name": "'shop'"})

    def test_frameworks_that_answer_themselves(self):
        for name, source in FRAMEWORKS.items():
            with self.subTest(name):
                try:
                    __import__(name)
                except ImportError:
                    continue
                worker = self.worker(source, dev=True)
                error = worker.get(PATH_INFO="/fail").error
                self.assertIsNotNone(error, name)
                self.assertEqual((error["type"], error["message"], error["function"]), ("ValueError", "from the view", error["function"]))
                found = read(error["detail"])
                self.assertEqual(found["handled"].lower(), name)
                self.assertIn("from the view", found["exceptions"][0]["message"])
                self.assertNotIn("hidden", json.dumps(found["sections"]))
                answer = worker.get(2, PATH_INFO="/own")
                self.assertTrue(answer.error is None and answer.status.startswith("500"), answer.error)
                without = self.worker(source).get(PATH_INFO="/fail")
                self.assertTrue(without.error is not None or without.status.startswith("500"))


if __name__ == "__main__":
    unittest.main()
