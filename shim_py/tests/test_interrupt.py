"""Interrupt on fd 3, and what the app finds in its environ for it."""

import os
import signal
import sys
import unittest

from peer import BODY, END, HEAD, HOLD, LAST, LOG, WorkerTest, environ, frames, request_frame, until
from standpipe_shim.core.packing import unpack

TIME, GONE = b"\x01", b"\x02"
PYPY = sys.implementation.name == "pypy"

APP = """
import os, select, socket, subprocess, sys, threading, time
here = os.path.dirname(os.path.abspath(__file__))
pair = socket.socketpair()
held = threading.Lock()
held.acquire()
def say(text):
    sys.stderr.write(text + "\\n")
def sleep(environ):
    time.sleep(1000)
def recv(environ):
    pair[0].recv(1)
def lock(environ):
    held.acquire()
def loop(environ):
    while True:
        pass
def join(environ):
    thread = threading.Thread(target=time.sleep, args=(1000,), daemon=True)
    thread.start()
    thread.join()
def child(environ):
    subprocess.run(["sleep", "1000"])
def swallow(environ):
    try:
        say("inside")
        time.sleep(1000)
    except Exception:
        say("swallowed")
    finally:
        say("finally")
def stubborn(environ):
    try:
        say("inside")
        time.sleep(1000)
    except BaseException:
        say("caught")
    environ["note"] = "went on"
def body(environ):
    environ["wsgi.input"].read()
def polite(environ):
    while not environ["standpipe.cancelled"]():
        time.sleep(0.005)
    say("left by itself")
def gate(environ):
    while not os.path.exists(os.path.join(here, "gate")):
        time.sleep(0.005)
def app(environ, start_response):
    name = environ["PATH_INFO"][1:]
    if name == "stream":
        return stream(start_response)
    if name == "write":
        write = start_response("200 OK", [])
        say("begun")
        while True:
            write(b"x" * 65536)
    if name == "deadline":
        start_response("200 OK", [])
        d = environ["standpipe.deadline"]
        return [b"none" if d is None else repr(d - time.monotonic()).encode(), str("standpipe.timeout_ms" in environ).encode()]
    if name in globals():
        try:
            say("begun")  # a reader of this line may interrupt at once
            globals()[name](environ)
        except BaseException as error:
            say("%s %s" % (type(error).__module__, type(error).__name__))
            raise
    start_response("200 OK", [])
    return [name.encode()]
def stream(start_response):
    start_response("200 OK", [])
    try:
        yield b"one"
        say("begun")
        time.sleep(1000)
    finally:
        say("closed")
"""


class OnTheMainThread(WorkerTest):
    def interrupted(self, name, cause=TIME, at="begun", **options):
        worker = self.worker(APP, **options)
        worker.send(request_frame(1, environ(PATH_INFO="/" + name)))
        self.assertIn(at, worker.output(at))
        worker.order(frames.INTERRUPT, 1, cause)
        return worker

    def test_what_waits_ends_at_once(self):
        for name in ("sleep", "recv", "lock", "loop", "join", "child"):
            with self.subTest(name):
                worker = self.interrupted(name)
                self.assertEqual(worker.frame(), (END, 0, 1, b""))
                self.assertIn("standpipe_shim RequestTimeout", worker.output("RequestTimeout"))
                self.assertEqual(worker.get(2, PATH_INFO="/x").body, b"x")  # nothing strikes later

    def test_the_client_left(self):
        worker = self.interrupted("sleep", GONE)
        self.assertEqual(worker.frame(), (END, 0, 1, b""))
        self.assertIn("standpipe_shim ClientGone", worker.output("ClientGone"))

    def test_except_exception_does_not_swallow_it(self):
        worker = self.interrupted("swallow", at="inside")
        self.assertEqual(worker.frame(), (END, 0, 1, b""))
        self.assertEqual(worker.output("RequestTimeout"), "begun\ninside\nfinally\nstandpipe_shim RequestTimeout\n")

    def test_it_is_raised_once(self):
        worker = self.interrupted("stubborn", at="inside")
        self.assertEqual(worker.answer(1).body, b"stubborn")
        self.assertEqual(worker.output("caught").count("caught"), 1)

    def test_within_a_stream_close_is_called(self):
        worker = self.interrupted("stream")
        self.assertEqual([worker.frame()[0] for _ in range(2)], [HEAD, END])
        self.assertIn("closed", worker.output("closed"))

    def test_in_write_without_credit(self):
        worker = self.interrupted("write")
        kinds = []
        while END not in kinds:
            kinds.append(worker.frame()[0])
        self.assertEqual(kinds[0], HEAD)
        self.assertEqual(worker.get(2, PATH_INFO="/x").body, b"x")

    def test_in_a_body_that_does_not_come(self):
        worker = self.worker(APP)
        worker.send(request_frame(1, environ(PATH_INFO="/body"), b"", last=False))
        worker.output("begun")
        worker.order(frames.INTERRUPT, 1, TIME)
        self.assertEqual(worker.frame(), (END, 0, 1, b""))
        self.assertIn("RequestTimeout", worker.output("RequestTimeout"))

    def test_another_request_is_not_struck(self):
        worker = self.worker(APP)
        self.assertEqual(worker.get(1, PATH_INFO="/x").body, b"x")
        worker.send(request_frame(2, environ(PATH_INFO="/gate")))
        worker.output("begun")
        worker.order(frames.INTERRUPT, 1, TIME)
        os.kill(worker.pid, signal.SIGURG)  # from outside: nothing
        worker.order(frames.DUMP)
        worker.control_frame()  # the Interrupt was obeyed before it
        self.file("gate", "")
        self.assertEqual(worker.answer(2).body, b"gate")

    def test_dump_marks_the_thread(self):
        worker = self.worker(APP)
        worker.send(request_frame(1, environ(PATH_INFO="/sleep")))
        worker.output("begun")

        def asked():  # what has been said may still be on its way back to the line after it
            worker.order(frames.DUMP, 1)
            return worker.control_frame()[1]

        self.assertIn(", of this request\n", asked())
        self.assertTrue(until(lambda: "web.py:10 in sleep: time.sleep(1000)" in asked()))

    def test_an_interrupt_for_no_cause_is_out_of_step(self):
        worker = self.worker(APP)
        worker.order(frames.INTERRUPT, 1, b"\x09")
        self.assertEqual(worker.wait(), -signal.SIGKILL)

    def test_the_deadline(self):
        worker = self.worker(APP)
        self.assertEqual(worker.get(1, PATH_INFO="/deadline").body, b"noneFalse")
        left = worker.get(2, PATH_INFO="/deadline", **{"standpipe.timeout_ms": "600000"}).body
        self.assertTrue(left.endswith(b"False"))
        self.assertTrue(400 < float(left[:-5]) <= 600, left)


class OnThreads(WorkerTest):
    @unittest.skipIf(PYPY, "SKIP[pypy]: PyPy has no asynchronous exceptions")
    def test_python_code_ends_and_siblings_go_on(self):
        worker = self.worker(APP, threads=4)
        for stream in (1, 2, 3):
            worker.send(request_frame(stream, environ(PATH_INFO="/gate")))
        worker.send(request_frame(4, environ(PATH_INFO="/loop")))
        worker.output("begun", 4)
        worker.order(frames.INTERRUPT, 4, TIME)
        self.assertEqual(worker.frame(), (END, 0, 4, b""))
        self.assertIn("standpipe_shim RequestTimeout", worker.output("RequestTimeout"))
        self.file("gate", "")
        answered = sorted(worker.frame()[2] for _ in range(3))
        self.assertEqual(answered, [1, 2, 3])
        self.assertEqual(worker.output("RequestTimeout").count("RequestTimeout"), 1)

    def test_what_waits_strikes_nobody_else(self):
        worker = self.worker(APP, threads=2)
        worker.send(request_frame(1, environ(PATH_INFO="/polite")))
        worker.output("begun")
        worker.order(frames.INTERRUPT, 1, TIME)
        worker.answer(1)
        for stream in range(2, 200):
            self.assertEqual(worker.get(stream, PATH_INFO="/x").body, b"x")

    def test_in_write_without_credit(self):
        worker = self.worker(APP, threads=2)
        worker.send(request_frame(1, environ(PATH_INFO="/write")))
        worker.output("begun")
        worker.order(frames.INTERRUPT, 1, TIME)
        kinds = []
        while END not in kinds:
            kinds.append(worker.frame()[0])
        self.assertEqual(worker.get(2, PATH_INFO="/x").body, b"x")

    @unittest.skipIf(PYPY, "SKIP[pypy]: PyPy has no asynchronous exceptions")
    def test_many_interrupts_cut_no_frame(self):
        worker = self.worker(APP, threads=4)
        for stream in range(1, 60):
            worker.send(request_frame(stream, environ(PATH_INFO="/write")))
            worker.window(stream, 1 << 20)
            kind = worker.frame()[0]
            worker.order(frames.INTERRUPT, stream, TIME)
            while kind != END:
                kind, _, number, payload = worker.frame()  # checks each header
                self.assertEqual(number, stream)
        self.assertEqual(worker.get(99, PATH_INFO="/x").body, b"x")


API = """
import os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
def say(text):
    sys.stderr.write(text + "\\n")
def gate():
    while not os.path.exists(os.path.join(here, "gate")):
        time.sleep(0.005)
def bad():
    raise ValueError("bad")
def app(environ, start_response):
    name = environ["PATH_INFO"]
    if name == "/cancel":
        environ["standpipe.on_cancel"](bad)
        environ["standpipe.on_cancel"](lambda: say("told"))
        say("begun %s" % environ["standpipe.cancelled"]())
        while not environ["standpipe.cancelled"]():
            time.sleep(0.005)
        environ["standpipe.on_cancel"](lambda: say("late"))
    elif name == "/after":
        environ["standpipe.after_response"](bad)
        environ["standpipe.after_response"](gate)
        environ["standpipe.after_response"](lambda: say("after"))
    elif name == "/raise":
        environ["standpipe.after_response"](lambda: say("after"))
        raise KeyError("x")
    elif name == "/too-late":
        global kept
        kept = environ["standpipe.after_response"]
    elif name == "/now":
        try:
            kept(gate)
        except RuntimeError as error:
            say(str(error))
    start_response("200 OK", [])
    if name == "/stream":
        environ["standpipe.after_response"](lambda: say("after"))
        return iter([b"a", b"b"])
    return [b"done"]
"""


class Api(WorkerTest):
    def test_on_cancel(self):
        for threads in (1, 3):
            with self.subTest(threads=threads):
                worker = self.worker(API, threads=threads)
                worker.send(request_frame(1, environ(PATH_INFO="/cancel")))
                self.assertIn("begun False", worker.output("begun False"))
                worker.order(frames.CANCEL, 1)
                worker.output("told")
                self.assertEqual(sorted(worker.output("late").split()), ["False", "begun", "late", "told"])
                self.assertTrue(until(lambda: worker.output("told").count("told") == 1))
                logged = []
                while True:
                    kind, flags, _, payload = worker.frame()
                    if kind == LOG:
                        logged.append(unpack(payload))
                    elif flags & LAST:
                        break
                if not logged:  # it may come behind the answer
                    logged.append(unpack(worker.frame()[3]))
                self.assertEqual([entry["event"] for entry in logged], ["on_cancel_failed"])
                self.assertIn("ValueError: bad", logged[0]["message"])

    def test_after_response_keeps_the_worker_busy(self):
        worker = self.worker(API)
        worker.send(request_frame(1, environ(PATH_INFO="/after")))
        kind, flags, _, payload = worker.frame()
        self.assertEqual((kind, flags, payload[-4:]), (HEAD, LAST | HOLD, b"done"))
        record = unpack(worker.frame()[3])
        self.assertEqual(record["event"], "after_response_failed")
        self.assertIn("ValueError: bad", record["traceback"])
        self.assertTrue(worker.silent())
        self.file("gate", "")
        self.assertEqual(worker.frame(), (END, 0, 1, b""))
        self.assertIn("after", worker.output("after"))

    def test_after_an_error_and_after_a_stream(self):
        worker = self.worker(API)
        worker.send(request_frame(1, environ(PATH_INFO="/raise")))
        self.assertEqual(worker.frame()[:2], (frames.ERROR, HOLD))
        self.assertEqual(worker.frame(), (END, 0, 1, b""))
        worker.send(request_frame(2, environ(PATH_INFO="/stream")))
        self.assertEqual([worker.frame()[:2] for _ in range(4)], [(HEAD, 0), (BODY, 0), (END, HOLD), (END, 0)])
        self.assertEqual(worker.output("after", 2).count("after"), 2)

    def test_after_response_too_late(self):
        worker = self.worker(API)
        worker.get(1, PATH_INFO="/too-late")
        worker.get(2, PATH_INFO="/now")
        self.assertIn("called after the answer had ended", worker.output("ended"))

    def test_a_callback_that_hangs_is_interrupted(self):
        worker = self.worker(API)
        worker.send(request_frame(1, environ(PATH_INFO="/after")))
        worker.frame()
        worker.frame()
        worker.order(frames.INTERRUPT, 1, TIME)
        self.assertEqual(worker.frame(), (END, 0, 1, b""))
        self.assertNotIn("after", worker.output())


if __name__ == "__main__":
    unittest.main()
