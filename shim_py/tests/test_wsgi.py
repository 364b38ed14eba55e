"""PEP 3333, clause by clause, through the real worker."""

import hashlib
import json
import os
import unittest

from peer import BODY, END, ERROR, HEAD, LAST, Answer, WorkerTest, environ, frames, request_frame

# What every app below may use: calls are noted in a file, which the test reads.
HELPERS = """
import os, sys
def note(text):
    with open(os.path.join(os.path.dirname(__file__), "notes"), "a") as out:
        out.write(text + "\\n")
class Result:
    def __init__(self, blocks):
        self.blocks = blocks
    def __iter__(self):
        for block in self.blocks:
            if isinstance(block, Exception):
                raise block
            yield block
    def close(self):
        note("closed")
OK = "200 OK"
TEXT = [("Content-Type", "text/plain")]
"""


class WSGI(WorkerTest):
    def notes(self):
        try:
            with open(os.path.join(self.dir, "notes")) as source:
                return source.read().split()
        except FileNotFoundError:
            return []

    def app(self, body, **options):
        text = "def app(environ, start_response):\n" + "".join("    %s\n" % line for line in body.strip("\n").split("\n"))
        self.file("web.py", HELPERS)
        with open(os.path.join(self.dir, "web.py"), "a") as out:
            out.write(text)
        return self.worker(None, **options)

    def fails(self, body, *words, **values):
        """The app's error is an Error frame, alone, that holds words; and the worker goes on."""
        worker = self.app(body)
        answer = worker.get(**values)
        self.assertIsNotNone(answer.error, answer.__dict__)
        for word in words:
            self.assertIn(word, "%(type)s: %(message)s" % answer.error)
        self.assertNotIn("standpipe_shim", answer.error["traceback"])
        self.assertEqual(worker.get(stream=2).parts[-1][0], ERROR)
        return answer

    # The environ.

    def test_environ(self):
        worker = self.app(
            """
import json
start_response(OK, TEXT)
kinds = {key: type(value).__name__ for key, value in environ.items()}
plain = {key: value for key, value in environ.items() if isinstance(value, (str, bool, int))}
return [json.dumps([type(environ).__name__, kinds, plain, environ["wsgi.version"]]).encode()]
""",
            environ={"SERVER_SOFTWARE": b"standpipe/0.1"},
        )
        values = {"PATH_INFO": "/caf\xc3\xa9\xff", "standpipe.attempt": "2", "wsgi.url_scheme": "https", "CONTENT_LENGTH": "0"}
        kind, kinds, plain, version = json.loads(worker.get(**values).body)
        self.assertEqual(kind, "dict")
        self.assertEqual(version, [1, 0])
        for key, value in environ(**values).items():
            want = 2 if key == "standpipe.attempt" else value.decode("latin-1")
            self.assertEqual(plain[key], want)
        self.assertEqual(plain["SERVER_SOFTWARE"], "standpipe/0.1")
        self.assertEqual(kinds["wsgi.version"], "tuple")
        for key, value in {
            "wsgi.input_terminated": True,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }.items():
            self.assertIs(plain[key], value)
        self.assertNotIn("CONTENT_TYPE", kinds)

    def test_environ_is_fresh_each_time(self):
        worker = self.app(
            """
found = sorted(key for key in environ if key.startswith("mine"))
environ["mine"] = 1
environ["wsgi.version"] = None
start_response(OK, TEXT)
return [repr(found).encode()]
"""
        )
        self.assertEqual([worker.get(stream=n).body for n in (1, 2, 3)], [b"[]"] * 3)

    def test_errors_is_a_text_stream_to_the_log(self):
        worker = self.app(
            """
errors = environ["wsgi.errors"]
errors.write("one \\u20ac\\n"); errors.writelines(["two\\n", "three \\udcff"]); errors.flush()
start_response(OK, TEXT)
return []
"""
        )
        self.assertEqual(worker.get().status, "200 OK")
        self.assertIn("one \u20ac\ntwo\nthree \\udcff", worker.output("three"))

    # start_response.

    def test_small_answer_is_one_frame(self):
        worker = self.app('start_response(OK, TEXT + [("Set-Cookie", "a=1"), ("set-cookie", "b=\\xe9")]); return [b"he", b"", b"llo"]')
        answer = worker.get()
        self.assertEqual(answer.parts, [(HEAD, LAST, b"hello")])
        self.assertEqual(answer.status, "200 OK")
        self.assertEqual(answer.headers, [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("set-cookie", "b=\xe9")])

    def test_a_long_body_of_known_length(self):
        for result in ("[b'x' * 150000, b'y' * 150000]", "(b'z' * 300000,)", "One()"):
            answer = self.app(
                """
class One:
    def __len__(self): return 1
    def __iter__(self): return iter([b'o' * 300000])
start_response(OK, TEXT)
return """
                + result
            ).get()
            self.assertEqual((answer.length, len(answer.body)), (300000, 300000))
        self.assertIsNone(self.app("start_response(OK, TEXT); return iter([b'x' * 70000])").get().length)

    def test_empty_answers(self):
        for result in ("[]", "()", "[b'']", "iter([])", "iter([b'', b''])"):
            answer = self.app('start_response("204 No Content", []); return ' + result).get()
            self.assertEqual((answer.status, answer.headers, answer.parts), ("204 No Content", [], [(HEAD, LAST, b"")]))

    def test_many_and_long_fields(self):
        worker = self.app(
            """
start_response("200 " + "x" * 300, [("X-%d" % n, "v" * n) for n in range(0, 700)] + [("Long", "y" * 70000)])
return []
"""
        )
        answer = worker.get()
        self.assertEqual(answer.status, "200 " + "x" * 300)
        self.assertEqual(answer.headers, [("X-%d" % n, "v" * n) for n in range(700)] + [("Long", "y" * 70000)])

    def test_late_call_on_the_first_next(self):
        worker = self.app(
            """
def late():
    yield b""
    start_response("201 Created", TEXT)
    yield b"a"
return late()
"""
        )
        answer = worker.get()
        self.assertEqual((answer.status, answer.body), ("201 Created", b"a"))

    def test_head_waits_for_the_first_bytes(self):
        worker = self.app(
            """
start_response(OK, TEXT)
def blocks():
    yield b""
    try:
        raise ValueError("x")
    except ValueError:
        start_response("500 Oops", TEXT, sys.exc_info())
    yield b"sorry"
return blocks()
"""
        )
        answer = worker.get()
        self.assertEqual((answer.status, answer.body, answer.error), ("500 Oops", b"sorry", None))

    def test_second_call_with_exc_info_before_the_head(self):
        worker = self.app(
            """
start_response(OK, TEXT)
try:
    raise ValueError("x")
except ValueError:
    start_response("500 Oops", [("X", "y")], sys.exc_info())
return [b"sorry"]
"""
        )
        answer = worker.get()
        self.assertEqual((answer.status, answer.headers, answer.body), ("500 Oops", [("X", "y")], b"sorry"))

    def test_second_call_with_exc_info_after_the_head(self):
        worker = self.app(
            """
start_response(OK, TEXT)
def blocks():
    yield b"part"
    try:
        raise ValueError("too late")
    except ValueError:
        start_response("500 Oops", TEXT, sys.exc_info())
    yield b"never"
return blocks()
"""
        )
        answer = worker.get()
        self.assertEqual((answer.status, answer.body), ("200 OK", b"part"))
        self.assertEqual((answer.error["type"], answer.error["message"]), ("ValueError", "too late"))

    def test_second_call_without_exc_info(self):
        self.fails("start_response(OK, TEXT); start_response(OK, TEXT); return []", "AssertionError", "second time")

    def test_no_call(self):
        for result in ("[]", "[b'x']", "iter([])", "iter([b''])"):
            self.fails("return " + result, "AssertionError", "start_response")
        self.fails("return iter([b'x'])", "before it called start_response")

    def test_types(self):
        for call, words in {
            "b'200 OK', []": "status must be str, not bytes",
            "200, []": "status must be str, not int",
            "OK, ()": "headers must be a list, not tuple",
            "OK, {}": "headers must be a list, not dict",
            "OK, None": "headers must be a list, not NoneType",
            "OK, [['a', 'b']]": "tuple of two str, not ['a', 'b']",
            "OK, [('a',)]": "tuple of two str, not ('a',)",
            "OK, [('a', 1)]": "tuple of two str, not ('a', 1)",
            "OK, [(b'a', 'b')]": "tuple of two str, not (b'a', 'b')",
            "OK, [('X-Name', '\\u20ac')]": "header 'X-Name' holds a character outside latin-1",
            "'200 \\u20ac', []": "the status holds a character outside latin-1",
        }.items():
            with self.subTest(call):
                answer = self.fails("start_response(%s); return []" % call, words)
                self.assertEqual((answer.error["file"], answer.error["function"]), ("web.py", "app"))

    def test_write(self):
        worker = self.app(
            """
write = start_response(OK, TEXT)
write(b"one"); write(b""); write(b"two" * 30000)
return [b"three"]
"""
        )
        answer = worker.get()
        self.assertEqual(answer.body, b"one" + b"two" * 30000 + b"three")
        self.assertEqual(answer.parts[0], (HEAD, 0, b"one"))
        self.assertEqual(self.app("start_response(OK, TEXT)(b'only'); return []").get().body, b"only")
        self.fails("start_response(OK, TEXT)('text'); return []", "write() wants bytes, not str")

    def test_write_after_the_end(self):
        worker = self.app(
            """
global old
if environ["PATH_INFO"] == "/again":
    old(b"late")
old = start_response(OK, TEXT)
return []
"""
        )
        worker.get()
        answer = worker.get(stream=2, PATH_INFO="/again")
        self.assertIn("after the answer had ended", answer.error["message"])

    # The result.

    def test_each_block_goes_out_before_the_next_is_asked_for(self):
        worker = self.app(
            """
start_response(OK, TEXT)
def blocks():
    for n in range(3):
        yield b"%d" % n
        while not os.path.exists(os.path.join(os.path.dirname(__file__), "gate%d" % n)):
            pass
return blocks()
"""
        )
        worker.send(request_frame(1, environ()))
        for n in range(3):
            kind, flags, _, payload = worker.frame()
            self.assertEqual((kind, flags, payload[-1:]), (BODY if n else HEAD, 0, b"%d" % n))
            self.file("gate%d" % n, "")
        self.assertEqual(worker.frame()[0], END)

    def test_results_that_are_none(self):
        for result, words in {
            "None": "the app returned None",
            "'text'": "the app returned str itself",
            "b'bytes'": "the app returned bytes itself",
            "['text']": "holds str; WSGI wants bytes",
            "[b'', 1]": "holds int; WSGI wants bytes",
            "iter(['text'])": "yielded str; WSGI wants bytes",
            "7": "the app returned int",
        }.items():
            with self.subTest(result):
                self.fails("start_response(OK, TEXT); return " + result, words)

    def test_iterables(self):
        for result in ("(b'a', b'b')", "iter([b'a', b'b'])", "Result([b'a', b'b'])", "{b'ab': 1}", "type('L', (list,), {})([b'a', b'b'])"):
            answer = self.app("start_response(OK, TEXT); return " + result).get()
            self.assertEqual(answer.body, b"ab", result)
        old = """
class Old:
    def __getitem__(self, n):
        return [b"a", b"b"][n]
start_response(OK, TEXT)
return Old()
"""
        self.assertEqual(self.app(old).get().body, b"ab")

    def test_large_results(self):
        for result, size in {
            "[b'x' * 1000000]": 1000000,
            "[b'x' * 200000, b'y' * 200000]": 400000,
            "iter([b'x' * 300000])": 300000,
        }.items():
            answer = self.app("start_response(OK, TEXT); return " + result).get()
            self.assertEqual(len(answer.body), size)
            self.assertTrue(all(len(part[2]) <= frames.PART for part in answer.parts))
            self.assertEqual(answer.parts[-1][0], END)

    def test_a_window_goes_in_one_frame(self):
        for result in ("[b'x' * 262144]", "[b'x' * 131072, b'x' * 131072]"):
            answer = self.app("start_response(OK, TEXT); return " + result).get()
            self.assertEqual([(kind, flags, len(payload)) for kind, flags, payload in answer.parts], [(HEAD, LAST, 262144)])

    def test_close_once_in_every_path(self):
        for blocks, error in {
            "[b'a', b'b']": None,
            "[]": None,
            "[ValueError('x')]": "ValueError",
            "[b'a', ValueError('x')]": "ValueError",
            "[b'a', 'text']": "TypeError",
        }.items():
            with self.subTest(blocks):
                worker = self.app("start_response(OK, TEXT); return Result(%s)" % blocks)
                answer = worker.get()
                self.assertEqual(answer.error and answer.error["type"], error)
                self.assertEqual(self.notes(), ["closed"])
                os.remove(os.path.join(self.dir, "notes"))
        self.app("return Result([b'a'])").get()
        self.assertEqual(self.notes(), ["closed"])

    def test_close_comes_before_the_end(self):
        worker = self.app(
            """
start_response(OK, TEXT)
class Slow(Result):
    def close(self):
        while not os.path.exists(os.path.join(os.path.dirname(__file__), "gate")):
            pass
return Slow([b"a"])
"""
        )
        worker.send(request_frame(1, environ()))
        self.assertEqual(worker.frame()[0], HEAD)
        self.assertTrue(worker.silent())
        self.file("gate", "")
        self.assertEqual(worker.frame()[0], END)

    def test_error_in_close_is_logged_and_the_answer_stays(self):
        worker = self.app(
            """
start_response(OK, TEXT)
class Bad(Result):
    def close(self):
        raise ValueError("in close")
return Bad([b"a"])
"""
        )
        answer = worker.get()
        self.assertEqual((answer.body, answer.error, answer.parts[-1][0]), (b"a", None, END))
        self.assertEqual(answer.logs[0]["event"], "close_failed")
        self.assertIn("in close", answer.logs[0]["traceback"])

    def test_file_wrapper(self):
        self.file("data", "d" * 200000)
        worker = self.app(
            """
start_response(OK, TEXT)
source = open(os.path.join(os.path.dirname(__file__), "data"), "rb")
class Watched:
    def read(self, size): return source.read(size)
    def close(self): note("closed")
return environ["wsgi.file_wrapper"](Watched(), 4096)
"""
        )
        self.assertEqual(worker.get().body, b"d" * 200000)
        self.assertEqual(self.notes(), ["closed"])

    # Errors.

    def test_error_frame(self):
        self.file("shop/__init__.py", "def fail():\n    raise KeyError('no \\u20ac')\n")
        answer = self.fails("import shop; shop.fail()", "KeyError", "no \u20ac")
        error = answer.error
        self.assertEqual((error["file"], error["line"], error["function"]), ("shop/__init__.py", 2, "fail"))
        self.assertEqual(error["text"], "raise KeyError('no \\u20ac')")
        self.assertTrue(error["traceback"].startswith("Traceback (most recent call last):\n"))
        self.assertEqual(error["traceback"].count('File "'), 2)

    def test_error_in_a_library_names_the_apps_own_line(self):
        answer = self.fails("import json; json.loads('{')", "JSONDecodeError")
        self.assertEqual((answer.error["file"], answer.error["function"]), ("web.py", "app"))
        self.assertIn("/json/", answer.error["traceback"])

    def test_errors_that_are_no_exceptions(self):
        for raised in ("SystemExit(1)", "KeyboardInterrupt()", "GeneratorExit()", "type('Odd', (BaseException,), {})()"):
            self.fails("raise " + raised)
        self.fails("sys.exit('bye')", "SystemExit", "bye")

    def test_errors_that_cannot_be_shown(self):
        worker = self.app(
            """
class Mean(Exception):
    def __str__(self): raise RuntimeError("not me")
    __repr__ = __str__
raise Mean()
"""
        )
        self.assertEqual(worker.get().error["type"], "Mean")
        deep = "def down(n):\n    return down(n + 1)\ndown(0)"
        self.fails(deep, "RecursionError")
        self.fails("raise ValueError('x' * 3000000)", "ValueError")
        self.fails("raise ValueError('\\udcff')", "ValueError")

    def test_chained_errors(self):
        answer = self.fails("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('second') from error", "second")
        self.assertIn("ZeroDivisionError", answer.error["traceback"])
        self.assertIn("direct cause", answer.error["traceback"])

    def test_generator_raises_before_and_after_the_first_block(self):
        worker = self.app(
            """
start_response(OK, TEXT)
def blocks():
    if environ["PATH_INFO"] == "/after":
        yield b"a"
    raise ValueError("x")
    yield b""
return blocks()
"""
        )
        self.assertEqual([part[0] for part in worker.get().parts], [ERROR])
        self.assertEqual([part[0] for part in worker.get(stream=2, PATH_INFO="/after").parts], [HEAD, ERROR])

    def test_breakpoint(self):
        self.fails("breakpoint()", "RuntimeError", "standpipe", "debugpy", "remote-pdb")

    # Credit and Cancel.

    def test_credit_holds_the_answer_back(self):
        worker = self.app("start_response(OK, TEXT); return iter([b'x' * 600000])")
        worker.send(request_frame(1, environ()))
        got = 0
        while got < 256 << 10:
            kind, _, _, payload = worker.frame()
            got += len(payload) if kind == BODY else len(payload.partition(b"text/plain")[2])
        self.assertEqual(got, 256 << 10)
        self.assertTrue(worker.silent())
        worker.window(1, 10)
        self.assertEqual(len(worker.frame()[3]), 10)
        self.assertTrue(worker.silent())
        worker.window(1, 1 << 20)
        rest = 0
        while True:
            kind, _, _, payload = worker.frame()
            if kind == END:
                break
            rest += len(payload)
        self.assertEqual(got + 10 + rest, 600000)

    def test_cancel_stops_at_the_next_block_and_closes(self):
        for threads in (1, 3):
            worker = self.app(
                """
start_response(OK, TEXT)
class Endless(Result):
    def __iter__(self):
        while True:
            yield b"tick"
return Endless(())
""",
                threads=threads,
            )
            worker.send(request_frame(1, environ()))
            worker.frame()
            worker.order(frames.CANCEL, 99)  # no such stream
            worker.order(frames.CANCEL, 1)
            while True:
                kind, _, stream, _ = worker.frame()
                self.assertEqual(stream, 1)
                if kind == END:
                    break
                self.assertEqual(kind, BODY)
            self.assertEqual(self.notes(), ["closed"])
            os.remove(os.path.join(self.dir, "notes"))

    def test_cancel_wakes_one_that_waits_for_credit(self):
        for threads in (1, 2):
            worker = self.app("start_response(OK, TEXT); return Result([b'x' * 600000, b'never'])", threads=threads)
            worker.send(request_frame(1, environ()))
            got = 0
            while got < 256 << 10:
                kind, _, _, payload = worker.frame()
                got += worker.raw(kind, payload)
            self.assertTrue(worker.silent())
            worker.order(frames.CANCEL, 1)
            self.assertEqual(worker.frame()[0], END)
            self.assertEqual(self.notes(), ["closed"])
            os.remove(os.path.join(self.dir, "notes"))
            worker.window(1, 5)  # late: dropped
            worker.send(request_frame(2, environ()))
            self.assertEqual(worker.frame()[2], 2)

    # wsgi.input.

    def upload(self, worker, body, size, stream=1, inline=0, **values):
        """Sends body in Body frames as credit allows, and reads the answer meanwhile."""
        worker.send(request_frame(stream, environ(REQUEST_METHOD="POST", CONTENT_LENGTH=str(len(body)), **values), body[:inline], False))
        credit, at = (256 << 10) - inline, inline
        answer = Answer()
        while True:
            part = body[at : at + min(size, credit)]
            if part or at == len(body):
                worker.send(frames.frame(BODY, LAST if at + len(part) == len(body) else 0, stream, part))
                at += len(part)
                credit -= len(part)
                if at == len(body):
                    break
                continue
            kind, flags, number, payload = worker.frame()
            if kind != frames.WINDOW:
                if worker.take(answer, kind, flags, payload):
                    return answer
                continue
            credit += int.from_bytes(payload, "big")
        while True:
            kind, flags, number, payload = worker.frame()
            if kind != frames.WINDOW and worker.take(answer, kind, flags, payload):
                return answer

    ECHO = """
import hashlib
start_response(OK, TEXT)
source = environ["wsgi.input"]
how = environ["QUERY_STRING"]
if how == "read": data = source.read()
elif how == "sizes":
    data = b""
    while True:
        got = source.read(1000)
        data += got
        if not got: break
elif how == "readline": data = b"".join(iter(lambda: source.readline(), b""))
elif how == "readline5": data = b"".join(iter(lambda: source.readline(5), b""))
elif how == "readlines": data = b"".join(source.readlines())
elif how == "hint":
    lines = source.readlines(10)
    data = b"".join(lines) + source.read()
elif how == "iter": data = b"".join(source)
elif how == "into":
    buffer = bytearray(777); data = b""
    while True:
        n = source.readinto(buffer)
        if not n: break
        data += bytes(buffer[:n])
elif how == "none": return [b"not read"]
assert source.read() == b"" and source.readline() == b"" and list(source) == [] and source.read(5) == b""
return [str(len(data)).encode() + b" " + hashlib.sha256(data).hexdigest().encode()]
"""

    def test_input(self):
        worker = self.app(self.ECHO)
        stream = 0
        lines = b"".join(b"line %d\n" % n for n in range(3000))
        for body in (b"", b"a=b", b"no newline at the end\nx", lines, b"\n" * 10):
            want = str(len(body)).encode() + b" " + hashlib.sha256(body).hexdigest().encode()
            for how in ("read", "sizes", "readline", "readline5", "readlines", "hint", "iter", "into"):
                for mode in ("inline", "frames", "mixed"):
                    stream += 1
                    with self.subTest(how=how, mode=mode, size=len(body)):
                        if mode == "inline":
                            worker.send(request_frame(stream, environ(QUERY_STRING=how), body))
                            answer = worker.answer(stream)
                        else:
                            inline = min(100, len(body)) if mode == "mixed" else 0
                            answer = self.upload(worker, body, 4000, stream, inline, QUERY_STRING=how)
                        self.assertIsNone(answer.error)
                        self.assertEqual(answer.body, want)

    def test_large_input_goes_by_credit(self):
        worker = self.app(self.ECHO)
        body = os.urandom(3000000)
        answer = self.upload(worker, body, 65536, QUERY_STRING="read")
        self.assertEqual(answer.body.decode(), "3000000 " + hashlib.sha256(body).hexdigest())
        answer = self.upload(worker, body[:1000], 65536, stream=2, QUERY_STRING="sizes")
        self.assertEqual(answer.body.decode(), "1000 " + hashlib.sha256(body[:1000]).hexdigest())

    def test_input_that_is_not_read(self):
        worker = self.app(self.ECHO)
        worker.send(request_frame(1, environ(QUERY_STRING="none"), b"x" * 100, last=False))
        self.assertEqual(worker.answer(1).body, b"not read")
        worker.send(frames.frame(BODY, 0, 1, b"late"))  # the stream has ended: dropped
        worker.send(request_frame(2, environ(QUERY_STRING="read"), b"abc"))
        self.assertTrue(worker.answer(2).body.startswith(b"3 "))

    def test_cancel_in_the_middle_of_the_body(self):
        for threads in (1, 2):
            worker = self.app("environ['wsgi.input'].read()", threads=threads)
            worker.send(request_frame(1, environ(), b"x", last=False))
            self.assertTrue(worker.silent(0.1))
            worker.order(frames.CANCEL, 1)
            self.assertEqual(worker.frame()[:3], (END, 0, 1))

    def test_both_directions_at_once(self):
        worker = self.app(
            """
start_response(OK, TEXT)
def blocks():
    while True:
        got = environ["wsgi.input"].read(50000)
        if not got: return
        yield got
return blocks()
"""
        )
        body = os.urandom(2000000)
        sent = worker.send
        worker.send(request_frame(1, environ(), b"", last=False))
        at, credit, got = 0, 256 << 10, b""
        while True:
            while at < len(body) and credit:
                part = body[at : at + min(65536, credit)]
                sent(frames.frame(BODY, LAST if at + len(part) == len(body) else 0, 1, part))
                at += len(part)
                credit -= len(part)
                if not worker.silent(0):
                    break
            kind, flags, _, payload = worker.frame()
            if kind == frames.WINDOW:
                credit += int.from_bytes(payload, "big")
            elif kind == END:
                break
            else:
                data = payload if kind == BODY else payload.partition(b"text/plain")[2]
                got += data
                worker.window(1, len(data))
        self.assertEqual(got, body)

    # Validators.

    def test_wsgiref_validate_around_the_app(self):
        self.file(
            "web.py",
            """
            from wsgiref.validate import validator
            def plain(environ, start_response):
                body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                environ["wsgi.errors"].write("seen\\n")
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [b"got ", body]
            def late(environ, start_response):
                lines = list(environ["wsgi.input"])
                start_response("200 OK", [("Content-Type", "text/plain")])
                yield b"".join(lines)
            def wrapped(environ, start_response):
                import io
                start_response("200 OK", [("Content-Type", "text/plain")])
                return environ["wsgi.file_wrapper"](io.BytesIO(b"file"))
            plain, late, wrapped = validator(plain), validator(late), validator(wrapped)
            def app(environ, start_response):
                return {"/late": late, "/file": wrapped}.get(environ["PATH_INFO"], plain)(environ, start_response)
            """,
        )
        worker = self.worker()
        values = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "5", "CONTENT_TYPE": "text/plain"}
        self.assertEqual(worker.get(1, b"ab\ncd", **values).body, b"got ab\ncd")
        self.assertEqual(worker.get(2, b"ab\ncd", PATH_INFO="/late", **values).body, b"ab\ncd")
        self.assertEqual(worker.get(3, PATH_INFO="/file").body, b"file")
        answer = self.upload(worker, b"x" * 5, 2, 4, PATH_INFO="/late")
        self.assertEqual((answer.error, answer.body), (None, b"xxxxx"))
        self.assertNotIn("Error", worker.output("seen"))

    def test_wsgiref_apps(self):
        self.file("web.py", "from wsgiref.simple_server import demo_app as app\n")
        answer = self.worker().get()
        self.assertEqual(answer.status, "200 OK")
        self.assertIn(b"Hello world!", answer.body)
        self.assertIn(b"REQUEST_METHOD = 'GET'", answer.body)


if __name__ == "__main__":
    unittest.main()
