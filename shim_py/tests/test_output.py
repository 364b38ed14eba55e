"""What requests print carries their id; early hints."""

import os
import re
import signal
import sys
import unittest

from peer import DEADLINE, END, HEAD, LAST, WorkerTest, environ, frames, request_frame, unpack, until

TAG = "0123456789abcdef"

APP = """
import contextvars, logging, os, subprocess, sys, threading, time, traceback
here = os.path.dirname(os.path.abspath(__file__))
handler = logging.StreamHandler()
log = logging.getLogger("app")
log.addHandler(handler)
print("imported")

def interleaved(me):
    for n in range(50):
        print("begin", me, n, end=" ")
        print("middle", me, n, end=" ", file=sys.stderr)
        print("end", me, n)
        sys.stderr.write("end %s %d\\n" % (me, n))
        log.warning("logged %s %d", me, n)

def view(environ):
    path, me = environ["PATH_INFO"], environ["standpipe.request_id"]
    if path == "/interleaved":
        interleaved(me)
    elif path == "/partial":
        print("no newline", end="")
        sys.stderr.write("nor here")
    elif path == "/flushed":
        sys.stdout.write("part")
        sys.stdout.flush()
        while not os.path.exists(os.path.join(here, "gate")):
            time.sleep(0.005)
        print("ial")
    elif path == "/thread":
        thread = threading.Thread(target=print, args=("of a thread",))
        thread.start()
        thread.join()
    elif path == "/context":
        context = contextvars.copy_context()  # as asgiref's sync_to_async does, and free-threaded builds for each thread
        thread = threading.Thread(target=context.run, args=(print, "carried on"))
        thread.start()
        thread.join()
        def later():
            while not os.path.exists(os.path.join(here, "gate")):
                time.sleep(0.005)
            print("long after")
        threading.Thread(target=contextvars.copy_context().run, args=(later,)).start()
    elif path == "/endless":
        while True:
            print("endless", me)
    elif path == "/later":
        environ["standpipe.after_response"](lambda: print("afterwards"))
    elif path == "/raw":
        sys.stdout.write("before ")
        sys.stdout.flush()
        sys.stdout.buffer.write(b"by the buffer\\n")
        sys.stdout.buffer.flush()
        os.write(1, b"by fd 1\\n")
        subprocess.call(["echo", "by a child"])
    elif path == "/long":
        print("x" * 10000 + "\\ny\\n" + "z" * 5000)
        sys.stderr.writelines(["a\\n", "b\\n"])
        print("\\u2603\\udc80")
        environ["wsgi.errors"].write("by wsgi.errors\\n")
        try:
            1 / 0
        except ZeroDivisionError:
            traceback.print_exc()
    elif path == "/moved":
        saved = os.dup(1)
        file = os.open(os.path.join(here, "out"), os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        print("into a file")
        os.dup2(saved, 1)
        print("and back")
    elif path == "/fork":
        print("held", end="")
        pid = os.fork()
        if pid == 0:
            print("by the child")
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(pid, 0)
    elif path == "/stream":
        out, checks = sys.stdout, []
        checks.append(out.fileno() == 1 and sys.stderr.fileno() == 2 and not out.isatty())
        checks.append((out.encoding, out.errors, out.line_buffering, out.mode) == ("utf-8", "backslashreplace", True, "w"))
        checks.append(out is sys.__stdout__ and out.write("four") == 4 and out.name == "<stdout>")
        try:
            import pickle
            pickle.dumps(out)
        except TypeError:
            checks.append(True)
        try:
            out.write(b"bytes")
        except TypeError:
            checks.append(True)
        return repr(checks)
    return "ok"

def app(environ, start_response):
    if environ["PATH_INFO"] == "/hints":
        environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload"), (b"X-A", b"\\xe9")])
        environ["wsgi.early_hints"](iter([["Link", "</b.css>"]]))
    elif environ["PATH_INFO"] == "/bad_hints":
        wrong = []
        for hints in (["Link"], [("a", 1)], [("a", "\\u2603")], [("a", "x" * 70000)], 5):
            try:
                environ["wsgi.early_hints"](hints)
            except (TypeError, ValueError) as error:
                wrong.append(type(error).__name__)
        start_response("200 OK", [])
        environ["wsgi.early_hints"]([])
        def late():
            yield b"first"
            environ["wsgi.early_hints"]([("Link", "</late>")])
        print(wrong)
        return late()
    body = view(environ).encode()
    start_response("200 OK", [])
    return [body]
"""


def told(chunk_bytes):
    """What Go makes of the output: [(id, line)] of the tagged lines, each put together from its parts, and the rest."""
    lines, open_lines, raw = [], {}, b""
    whose = b""
    for part in re.split(b"(\x1e" + TAG.encode() + b":[A-Za-z0-9._-]*(?:![DIWE])?\x1e|\n)", chunk_bytes):
        if part == b"\n":
            if whose:
                lines.append((whose.decode(), open_lines.pop(whose, b"").decode()))
            else:
                raw += part
            whose = b""
        elif part.startswith(b"\x1e"):
            whose = part[18:-1].partition(b"!")[0]
        elif whose:
            open_lines[whose] = open_lines.get(whose, b"") + part
        else:
            raw += part
    lines += [(whose.decode(), line.decode()) for whose, line in open_lines.items() if line]
    return lines, raw.decode()


class Printed(WorkerTest):
    def ask(self, worker, path, stream=1, me="id-1"):
        return worker.get(stream, **{"PATH_INFO": path, "standpipe.request_id": me})

    def of(self, path, threads=1, **boot):
        worker = self.worker(APP, threads=threads, tag=TAG, **boot)
        answer = self.ask(worker, path)
        self.assertEqual(answer.error, None)
        worker.close_end(worker.requests)
        self.assertEqual(worker.wait(), 0)
        worker.rest()
        return told(worker._output)

    def test_eight_threads_never_mix(self):
        worker = self.worker(APP, threads=8, tag=TAG)
        worker.send(
            b"".join(request_frame(n, environ(PATH_INFO="/interleaved", **{"standpipe.request_id": "r%d" % n})) for n in range(1, 9))
        )
        done = set()
        while len(done) < 8:
            kind, flags, stream, payload = worker.frame()
            self.assertEqual((kind, flags), (HEAD, LAST), payload)
            done.add(stream)
        worker.output("logged", 8 * 50)
        lines, raw = told(worker._output)
        self.assertEqual(raw, "imported\n")
        for n in range(1, 9):
            me = "r%d" % n
            mine = [line for whose, line in lines if whose == me]
            want = []
            for i in range(50):
                want += ["begin %s %d end %s %d" % (me, i, me, i), "middle %s %d end %s %d" % (me, i, me, i), "logged %s %d" % (me, i)]
            self.assertEqual(mine, want)
        # What logging wrote has its level in the tag, what was printed has none.
        self.assertEqual(len(re.findall(b"\x1e" + TAG.encode() + b":r1![DIWE]\x1elogged r1", worker._output)), 50)
        self.assertNotRegex(worker._output, b"![DIWE]\x1e(begin|middle)")

    def test_what_has_no_newline_comes_with_the_end(self):
        for threads in (1, 2):
            lines, _ = self.of("/partial", threads)
            self.assertEqual(lines, [("id-1", "no newlinenor here")])  # two streams: Go's pause is not here

    def test_flush_sends_a_part(self):
        worker = self.worker(APP, tag=TAG)
        worker.send(request_frame(1, environ(PATH_INFO="/flushed", **{"standpipe.request_id": "id-1"})))
        self.assertIn("part", worker.output("part"))
        self.file("gate", "")
        worker.answer(1)
        worker.output("ial\n")
        self.assertEqual(told(worker._output)[0], [("id-1", "partial")])

    def test_whose_it_is_not(self):
        lines, raw = self.of("/thread", 2)
        self.assertEqual((lines, raw), ([], "imported\nof a thread\n"))
        lines, raw = self.of("/raw")
        self.assertEqual(lines, [("id-1", "before ")])
        self.assertEqual(raw, "imported\nby the buffer\nby fd 1\nby a child\n")

    def test_the_context_says_whose_it_is(self):
        worker = self.worker(APP, tag=TAG)
        self.ask(worker, "/context")
        self.ask(worker, "/", 2)  # the first is over
        self.file("gate", "")
        worker.output("long after\n")
        lines, raw = told(worker._output)
        self.assertEqual((lines, raw), ([("id-1", "carried on")], "imported\nlong after\n"))

    def test_who_prints_without_end_is_ended_all_the_same(self):
        worker = self.worker(APP, tag=TAG)
        worker.send(request_frame(1, environ(PATH_INFO="/endless", **{"standpipe.request_id": "id-1"})))
        worker.output("endless", 1000)
        worker.order(frames.STOP)
        worker.order(frames.DUMP, 1)
        worker.control_frame()  # it has read what came before
        worker.close_end(worker.requests)
        os.kill(worker.pid, signal.SIGTERM)
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(worker.answer(1).error["type"], "SystemExit")

    def test_an_interrupt_finds_who_prints_without_end(self):
        for threads in (1, 2) if sys.implementation.name == "cpython" else (1,):  # see interrupt
            worker = self.worker(APP, threads=threads, tag=TAG)
            worker.send(request_frame(1, environ(PATH_INFO="/endless", **{"standpipe.request_id": "id-1"})))
            worker.output("endless", 1000)
            worker.order(frames.INTERRUPT, 1, b"\x01")
            self.assertEqual(worker.frame()[:3], (END, 0, 1))
            self.assertEqual(self.ask(worker, "/", 2).body, b"ok")

    def test_after_the_answer(self):
        self.assertEqual(self.of("/later")[0], [("id-1", "afterwards")])

    def test_long_lines_and_other_ways(self):
        lines, _ = self.of("/long")
        self.assertEqual([line for _, line in lines[:3]], ["x" * 10000, "y", "z" * 5000])
        rest = [line for _, line in lines[3:]]
        self.assertEqual(rest[:4], ["a", "b", "\u2603\\udc80", "by wsgi.errors"])
        self.assertEqual((rest[4], rest[-1][:17]), ("Traceback (most recent call last):", "ZeroDivisionError"))

    def test_a_descriptor_led_elsewhere_gets_no_tags(self):
        lines, _ = self.of("/moved")
        self.assertEqual(lines, [("id-1", "and back")])
        with open(os.path.join(self.dir, "out")) as out:
            self.assertEqual(out.read(), "into a file\n")

    def test_a_forked_child_is_of_the_request(self):
        for threads in (1, 3):
            lines, _ = self.of("/fork", threads)
            self.assertEqual(lines, [("id-1", "by the child"), ("id-1", "held")])

    def test_the_streams_are_what_they_were(self):
        worker = self.worker(APP, tag=TAG)
        self.assertEqual(self.ask(worker, "/stream").body, b"[True, True, True, True, True]")

    def test_without_a_secret_or_an_id_there_are_no_tags(self):
        worker = self.worker(APP)
        self.ask(worker, "/partial")
        worker.get(2, PATH_INFO="/partial", **{"standpipe.request_id": ""})
        self.assertTrue(until(lambda: b"no newline" in worker._output, DEADLINE))
        self.assertNotIn(b"\x1e", worker._output)

    def test_unbuffered(self):
        lines, _ = self.of("/long", env={"PYTHONUNBUFFERED": "1"})
        self.assertEqual(lines[0], ("id-1", "x" * 10000))


class EarlyHints(WorkerTest):
    def test_hints_come_before_the_head(self):
        for threads in (1, 2):
            worker = self.worker(APP, threads=threads, tag=TAG)
            worker.send(request_frame(1, environ(PATH_INFO="/hints", **{"standpipe.request_id": "i"})))
            got = [worker.frame() for _ in range(3)]
            self.assertEqual([kind for kind, _, _, _ in got], [frames.EARLY_HINTS, frames.EARLY_HINTS, HEAD])
            self.assertEqual(unpack(got[0][3]), [b"Link", b"</a.css>; rel=preload", b"X-A", b"\xe9"])
            self.assertEqual(unpack(got[1][3]), [b"Link", b"</b.css>"])

    def test_what_is_refused(self):
        worker = self.worker(APP, tag=TAG)
        worker.send(request_frame(1, environ(PATH_INFO="/bad_hints", **{"standpipe.request_id": "i"})))
        got = []
        while not got or got[-1][0] not in (END, frames.ERROR):
            got.append(worker.frame())
        self.assertEqual([kind for kind, _, _, _ in got], [frames.EARLY_HINTS, HEAD, frames.ERROR])
        error = unpack(got[-1][3])
        self.assertEqual(error["type"], "AssertionError")
        self.assertIn("after the answer had begun", error["message"])
        self.assertIn("['TypeError', 'TypeError', 'ValueError', 'ValueError', 'TypeError']", worker.output("]\n"))


if __name__ == "__main__":
    unittest.main()
