"""One greenlet per request. Needs gevent: on the Python that runs the tests, or in STANDPIPE_TEST_PYTHON or .cache/testenv."""

import os
import signal
import subprocess
import sys
import unittest

from peer import BODY, END, HEAD, HOLD, LAST, WorkerTest, environ, frames, request_frame, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIME, GONE = b"\x01", b"\x02"


def python():
    """A Python with gevent, or empty."""
    for path in (sys.executable, os.environ.get("STANDPIPE_TEST_PYTHON", ""), os.path.join(ROOT, ".cache", "testenv", "bin", "python")):
        if path and os.path.exists(path) and subprocess.call([path, "-c", "import gevent"], stderr=subprocess.DEVNULL) == 0:
            return path
    return ""


PYTHON = python()

APP = """
import hashlib, multiprocessing, os, socket, subprocess, sys, threading, time
import gevent
here = os.path.dirname(os.path.abspath(__file__))
pair = socket.socketpair()
held = threading.Lock()
held.acquire()
ticks = []
def background():
    while True:
        gevent.sleep(0.01)
        ticks.append(1)
gevent.spawn(background)
def say(text):
    sys.stderr.write(text + "\\n")
def gate(environ):
    while not os.path.exists(os.path.join(here, "gate")):
        time.sleep(0.005)
def sleep(environ):
    time.sleep(1000)
def recv(environ):
    pair[0].recv(1)
def lock(environ):
    held.acquire()
def event(environ):
    threading.Event().wait()
def loop(environ):
    while True:
        pass
def body(environ):
    environ["wsgi.input"].read()
def stubborn(environ):
    try:
        time.sleep(1000)
    except BaseException:
        say("caught")
def cancelled(environ):
    environ["standpipe.on_cancel"](lambda: say("told in " + threading.current_thread().name))
    say("ready")
    while not environ["standpipe.cancelled"]():
        time.sleep(0.005)
def after(environ):
    environ["standpipe.after_response"](lambda: gate(environ))
    environ["standpipe.after_response"](lambda: say("after"))
def fork(environ):
    pid = os.fork()
    if pid == 0:
        time.sleep(0.05)  # the child's hub runs
        return
    say("child ended with %d" % os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
def forkexit(environ):
    pid = os.fork()
    if pid == 0:
        open(os.path.join(here, "gate"), "w").close()  # the copy of the request at the gate goes on in the child too
        time.sleep(0.2)
        os._exit(7)
    say("child ended with %d" % os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
def square(queue, n):
    time.sleep(0.01)
    queue.put(n * n)
def processes(environ):
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=square, args=(queue, 7))
    child.start()
    child.join()
    say("squared %d, %s" % (queue.get(), child.exitcode))
    say("echo " + subprocess.check_output(["echo", "hi"]).decode())
def app(environ, start_response):
    name = environ["PATH_INFO"][1:]
    if name == "hash":
        start_response("200 OK", [])
        return [hashlib.sha256(environ["wsgi.input"].read()).hexdigest().encode()]
    if name == "write":
        write = start_response("200 OK", [])
        say("begun")
        while True:
            write(b"x" * 65536)
    if name == "stream":
        return stream(start_response)
    if name == "large":
        start_response("200 OK", [])
        return iter([b"x" * 400000])
    if name == "facts":
        start_response("200 OK", [])
        return [repr((environ["wsgi.multithread"], len(ticks) > 3, socket.socket.__module__)).encode()]
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


@unittest.skipUnless(PYTHON, "SKIP[no-gevent]: no Python with gevent; run make testenv")
class Gevent(WorkerTest):
    def worker(self, text=APP, **options):
        return super().worker(text, python=PYTHON, **dict({"gevent": 100}, **options))

    def begun(self, name, worker=None, stream=1, last=True):
        worker = worker or self.worker()
        worker.send(request_frame(stream, environ(PATH_INFO="/" + name), b"", last))
        self.assertIn("begun", worker.output("begun", stream))
        return worker

    def test_a_held_request_holds_no_other(self):
        worker = self.begun("gate")
        for stream in range(2, 100):
            self.assertEqual(worker.get(stream, PATH_INFO="/%d" % stream).body, b"%d" % stream)
        self.file("gate", "")
        self.assertEqual(worker.answer(1).body, b"gate")

    def test_what_is_true(self):
        worker = self.begun("gate")
        until(lambda: worker.get(2, PATH_INFO="/facts").body == b"(True, True, 'gevent._socket3')")
        self.assertEqual(worker.get(3, PATH_INFO="/facts").body, b"(True, True, 'gevent._socket3')")

    def test_bodies_and_credit_hold_no_other(self):
        worker = self.worker()
        worker.send(request_frame(1, environ(PATH_INFO="/hash"), b"", last=False))
        worker.send(request_frame(2, environ(PATH_INFO="/large")))
        got = 0
        while got < frames.CREDIT:
            kind, _, stream, payload = worker.frame()
            self.assertEqual(stream, 2)
            got += len(payload)
        self.assertEqual(worker.get(3, PATH_INFO="/x").body, b"x")
        worker.send(frames.frame(BODY, LAST, 1, b"abc"))
        self.assertTrue(worker.answer(1).body.startswith(b"ba7816bf"))
        worker.window(2, 1 << 20)
        self.assertEqual(worker.answer(2).parts[-1][0], END)

    def test_what_waits_is_interrupted(self):
        for name in ("sleep", "recv", "lock", "event", "write", "body"):
            with self.subTest(name):
                worker = self.begun(name, last=name != "body")
                worker.order(frames.INTERRUPT, 1, TIME)
                kinds = [worker.frame()[0]]
                while kinds[-1] != END:
                    kinds.append(worker.frame()[0])
                if name != "write":
                    self.assertIn("standpipe_shim RequestTimeout", worker.output("RequestTimeout"))
                self.assertEqual(worker.get(2, PATH_INFO="/x").body, b"x")  # nothing strikes later

    def test_it_is_raised_once_and_strikes_one(self):
        worker = self.begun("gate")
        self.begun("stubborn", worker, 2)
        worker.order(frames.INTERRUPT, 2, GONE)
        self.assertEqual(worker.answer(2).body, b"stubborn")
        self.file("gate", "")
        self.assertEqual(worker.answer(1).body, b"gate")
        self.assertEqual(worker.output("caught").count("caught"), 1)

    def test_a_stream_is_closed(self):
        worker = self.begun("stream")
        worker.order(frames.INTERRUPT, 1, TIME)
        self.assertEqual([worker.frame()[0] for _ in range(2)], [HEAD, END])
        self.assertIn("closed", worker.output("closed"))

    def test_cancel(self):
        worker = self.worker()
        worker.order(frames.CANCEL, 1)  # before it is there
        worker.order(frames.DUMP)
        worker.control_frame()
        worker.send(request_frame(1, environ(PATH_INFO="/sleep")))
        self.assertEqual(worker.frame(), (END, 0, 1, b""))
        worker.send(request_frame(2, environ(PATH_INFO="/cancelled")))
        worker.output("ready")
        worker.order(frames.CANCEL, 2)
        worker.answer(2)
        self.assertIn("told in Dummy", worker.output("told"))
        self.assertEqual(worker.output("begun").count("begun"), 1)

    def test_after_response(self):
        worker = self.begun("after")
        self.assertEqual(worker.frame()[:2], (HEAD, LAST | HOLD))
        self.assertEqual(worker.get(2, PATH_INFO="/x").body, b"x")
        self.file("gate", "")
        self.assertEqual(worker.frame(), (END, 0, 1, b""))
        self.assertIn("after", worker.output("after"))

    def dump(self, worker, *wanted):
        """Returns the stacks of the worker, once all of wanted is in them: "begun" is written before that."""
        texts = []

        def complete():
            worker.order(frames.DUMP, 1)
            texts.append(worker.control_frame()[1])
            return all(text in texts[-1] for text in wanted)

        until(complete)
        return texts[-1]

    def test_stacks(self):
        worker = self.begun("lock")
        self.begun("recv", worker, 2)
        text = self.dump(worker, "in lock: held.acquire()", "in recv: pair[0].recv(1)")
        mark = text.index(", of this request\n")
        self.assertEqual(text.count(", of this request\n"), 1)
        self.assertIn("in lock: held.acquire()", text[mark:].partition("\nthread ")[0])
        self.assertIn("in recv: pair[0].recv(1)", text)

    def test_stacks_of_a_loop(self):
        worker = self.begun("loop")
        text = self.dump(worker, "in loop: ")
        self.assertIn("in loop: ", text[text.index(", of this request\n") :])

    def test_fork(self):
        worker = self.begun("gate")
        self.begun("fork", worker, 2)
        self.assertEqual(worker.answer(2).body, b"fork")
        output = worker.output("child ended")
        self.assertIn("child ended with 70", output)
        self.begun("processes", worker, 3)
        self.assertEqual(worker.answer(3).body, b"processes")
        self.assertIn("squared 49, 0", worker.output("squared"))
        self.assertIn("echo hi", worker.output("echo hi"))
        self.file("gate", "")
        self.assertEqual(worker.answer(1).body, b"gate")

    def test_a_sibling_does_not_end_the_child(self):
        worker = self.begun("gate")
        self.begun("forkexit", worker, 2)
        self.assertIn("child ended with 7\n", worker.output("child ended"))
        self.assertEqual(sorted(worker.frame()[2] for _ in range(2)), [1, 2])

    def test_the_end(self):
        worker = self.begun("gate")
        worker.close_end(worker.requests)
        worker.order(frames.STOP)
        self.assertTrue(worker.silent())
        self.file("gate", "")
        self.assertEqual(worker.answer(1).body, b"gate")
        self.assertEqual(worker.wait(), 0)

    def test_sigterm_after_stop_ends_what_hangs(self):
        for name in ("sleep", "loop"):
            with self.subTest(name):
                worker = self.begun(name)
                os.kill(worker.pid, signal.SIGTERM)  # from outside, before Stop: nothing
                worker.order(frames.DUMP)
                worker.control_frame()  # it has been met before Stop comes
                worker.order(frames.STOP)
                worker.order(frames.DUMP)
                worker.control_frame()  # Stop was obeyed before it
                worker.close_end(worker.requests)
                os.kill(worker.pid, signal.SIGTERM)
                self.assertIn("builtins SystemExit", worker.output("SystemExit"))
                self.assertEqual(worker.wait(), 0)


class NoGevent(WorkerTest):
    def failed(self, **files):
        for name, text in files.items():
            self.file(name + ".py", text)
        peer = self.peer("app = lambda environ, start_response: []", gevent=100)
        message = peer.boot()
        self.assertFalse(peer.ready)
        self.assertEqual(peer.wait(), 3)
        self.assertEqual(message["kind"], "no_gevent")
        self.assertIn("-m pip install --upgrade gevent", message["message"])
        return message["message"]

    def test_it_is_missing(self):
        # As on a Python that has none.
        text = self.failed(gevent="raise ModuleNotFoundError('No module named gevent', name='gevent')")
        self.assertIn("--gevent needs gevent, which /", text)
        self.assertIn("found .venv", text)

    def test_it_is_too_old(self):
        self.file("gevent/monkey.py", "")
        text = self.failed(**{"gevent/__init__": "__version__ = '20.5.0'"})
        self.assertIn("--gevent needs gevent 20.9 or newer", text)
        self.assertIn("has 20.5.0", text)

    def test_it_does_not_work_here(self):
        self.assertIn(
            "does not work there: ValueError: greenlet.greenlet size",
            self.failed(gevent="raise ValueError('greenlet.greenlet size changed')"),
        )


if __name__ == "__main__":
    unittest.main()
