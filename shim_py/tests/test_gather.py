"""Answers that wait for others: when they may, in which order they go out, and that nothing is lost by it."""

import os
import signal
import struct
import unittest

from peer import BODY, END, ERROR, HEAD, LAST, LOG, REQUEST, WorkerTest, environ, frames, request_frame, until
from standpipe_shim import gather
from standpipe_shim.environ import Environs
from standpipe_shim.runner import Worker
from test_cancel_order import Silent


class Rig:
    """A worker whose pipes are lists: reads are what it will read, one after the other, and events is what was read, run and written
    in their order. Time stands still but where an app moves it."""

    def __init__(self, case, *reads):
        self.reads = list(reads)
        self.events = []
        self.now = 1000.0
        self.fds = os.pipe()
        case.addCleanup(os.close, self.fds[0])
        case.addCleanup(os.close, self.fds[1])
        case.addCleanup(setattr, gather, "monotonic", gather.monotonic)
        gather.monotonic = lambda: self.now
        pipes = Silent()
        pipes.pid, pipes.requests, pipes.dir = os.getpid(), self.fds[0], ""
        self.worker = worker = Worker(pipes, Silent())
        writer = frames.Writer(-1, pipes.pid, None, write=self.write)
        worker.attach(frames.Reader(-1), writer)
        worker.environs = Environs({"rig": self})
        worker.app = self.app
        worker.serve_alone(self.read)

    def read(self, fd, size):
        self.events.append("read")
        return self.reads.pop(0) if self.reads else b""

    def write(self, fd, octets):
        found, at = [], 0
        while at < len(octets):
            kind, _, stream, size = struct.unpack_from(">BHII", octets, at + 1)
            found.append((kind, stream))
            at += 12 + size
        self.events.append(found)
        return len(octets)

    @staticmethod
    def app(environ, start_response):
        rig = environ["rig"]
        path = environ["PATH_INFO"]
        rig.events.append("run " + path)
        start_response("200 OK", [])
        if path == "/error":
            raise ValueError("no")
        if path == "/stream":
            return iter([b"part"])
        if path == "/hold":
            environ["standpipe.after_response"](lambda: rig.events.append("after"))
        if path == "/log":
            rig.worker.log.put("info", "said", "something")
        if path == "/recall":
            rig.worker.recall([])
        if path.startswith("/ms/"):
            rig.now += float(path[4:]) / 1000
        if path.startswith("/size/"):
            return [b"x" * int(path[6:])]
        return [b"ok"]


def get(*paths, first=1, **values):
    return b"".join(request_frame(n, environ(PATH_INFO="/" + path, **values)) for n, path in enumerate(paths, first))


def heads(*streams):
    return [(HEAD, stream) for stream in streams]


class Gather(unittest.TestCase):
    def run_rig(self, *reads):
        """Returns what happened but for the last read, which is the end of fd 0."""
        rig = Rig(self, *reads)
        self.assertEqual(rig.events[-1], "read")
        self.assertEqual(rig.worker.streams, {})
        return rig.events[:-1]

    def test_what_is_read_together_is_answered_together(self):
        events = self.run_rig(get("a", "b", "c"), get("d", first=4))
        self.assertEqual(events, ["read", "run /a", "run /b", "run /c", heads(1, 2, 3), "read", "run /d", heads(4)])

    def test_all_is_out_before_a_read(self):
        first, second = get("a", "b", "c")[:-1], get("a", "b", "c")[-1:]
        self.assertEqual(self.run_rig(first, second), ["read", "run /a", "run /b", heads(1, 2), "read", "run /c", heads(3)])
        body = frames.frame(BODY, 0, 9, b"late")  # nobody's: it is read over, and no answer waits for what may be behind it
        self.assertEqual(self.run_rig(get("a") + body + get("b", first=2)), ["read", "run /a", heads(1), "run /b", heads(2)])

    def test_all_is_out_before_what_may_change_something(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "get", "BREW"):
            events = self.run_rig(get("a", "b") + get("c", first=3, REQUEST_METHOD=method) + get("d", "e", first=4))
            want = ["read", "run /a", "run /b", heads(1, 2), "run /c", heads(3), "run /d", "run /e", heads(4, 5)]
            self.assertEqual(events, want, method)
        for method in ("HEAD", "OPTIONS"):
            events = self.run_rig(get("a") + get("b", first=2, REQUEST_METHOD=method) + get("c", first=3))
            self.assertEqual(events, ["read", "run /a", "run /b", "run /c", heads(1, 2, 3)])

    def test_what_comes_next_goes_behind(self):
        for path, frames_of in (
            ("error", [(ERROR, 2)]),
            ("stream", [(HEAD, 2)]),
            ("hold", [(HEAD, 2)]),
            ("log", [(LOG, 0)]),
        ):
            events = self.run_rig(get("a", path, "c"))
            self.assertEqual([event for event in events if type(event) is list][0], heads(1) + frames_of, path)

    def test_an_answer_that_holds_the_worker_does_not_wait(self):
        events = self.run_rig(get("hold", "b"))
        self.assertEqual(events, ["read", "run /hold", heads(1), "after", [(END, 1)], "run /b", heads(2)])

    def test_no_longer_than_so(self):
        rig = Rig(self, get(*["ms/0.11"] * 12))
        written = [event for event in rig.events if type(event) is list]
        self.assertEqual(written, [heads(1, 2, 3, 4), heads(5, 6, 7, 8), heads(9, 10, 11, 12)])

    def test_not_in_a_slow_app(self):
        written = [event for event in self.run_rig(get(*["ms/1"] * 6)) if type(event) is list]
        self.assertEqual(written[0], heads(1, 2))  # nobody knew yet
        self.assertTrue(all(len(event) == 1 for event in written[2:]), written)
        # One slow request among quick ones: for a while no answer waits.
        written = [event for event in self.run_rig(get("a", "b", "ms/50", *["c"] * 60)) if type(event) is list]
        self.assertEqual(written[:3], [heads(1, 2, 3), heads(4), heads(5)])
        self.assertGreater(len(written[-1]), 5)

    def test_no_more_than_so(self):
        written = [event for event in self.run_rig(get(*["size/30000"] * 5)) if type(event) is list]
        self.assertEqual(written, [heads(1, 2, 3), heads(4, 5)])

    def test_recall_writes_what_waits(self):
        events = self.run_rig(get("a", "recall", "c", "d", "e"))
        # The answer to the second was about to wait when Go asked; who knows how long the third would take?
        self.assertEqual(events, ["read", "run /a", "run /recall", heads(1), heads(2), "run /c", "run /d", "run /e", heads(3, 4, 5)])


# Waits, where the path says so, until the test makes a file of that name.
APP = """
import os, signal, time
here = os.path.dirname(os.path.abspath(__file__))
def app(environ, start_response):
    name = environ["PATH_INFO"][1:]
    if name.startswith(("gate", "kill")):
        open(os.path.join(here, name + ".at"), "w").close()
    if name == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    while name.startswith("gate") and not os.path.exists(os.path.join(here, name)):
        time.sleep(0.002)
    if name == "body":
        name = environ["wsgi.input"].read().decode()
    start_response("200 OK", [])
    return [name.encode()]
"""


class Process(WorkerTest):
    def test_a_post_begins_when_all_before_it_is_answered(self):
        """Killed in its POST, a worker leaves no answer behind that it had."""
        for before in (1, 2, 5):
            worker = self.worker(APP)
            many = get(*["%d" % n for n in range(before)])
            worker.send(many + get("kill", "never", first=before + 1, REQUEST_METHOD="POST"))
            self.assertEqual(worker.wait(), -signal.SIGKILL)
            self.assertTrue(os.path.exists(os.path.join(self.dir, "kill.at")))
            for n in range(before):
                self.assertEqual(worker.answer(n + 1).body, b"%d" % n)
            with self.assertRaises(EOFError):
                worker.frame()

    def test_recall_brings_what_waits_for_a_slow_one(self):
        worker = self.worker(APP)
        worker.send(get("a", "b", "gate", "d"))
        self.assertTrue(until(lambda: os.path.exists(os.path.join(self.dir, "gate.at"))))
        self.assertEqual(worker.recall(1, 2, 3, 4), [4])
        self.assertEqual([worker.answer(1).body, worker.answer(2).body], [b"a", b"b"])  # the gate is closed
        self.file("gate", "")
        self.assertEqual(worker.answer(3).body, b"gate")

    def test_one_that_waits_for_its_body_keeps_nothing_back(self):
        worker = self.worker(APP)
        worker.send(get("a") + request_frame(2, environ(PATH_INFO="/body"), b"", False))
        self.assertEqual(worker.answer(1).body, b"a")
        worker.send(frames.frame(BODY, LAST, 2, b"it"))
        self.assertEqual(worker.answer(2).body, b"it")

    def test_the_end_keeps_nothing_back(self):
        worker = self.worker(APP)
        worker.send(get("a", "b", "c"))
        worker.close_end(worker.requests)
        self.assertEqual([worker.answer(n).body for n in (1, 2, 3)], [b"a", b"b", b"c"])
        self.assertEqual(worker.wait(), 0)

    def test_what_is_no_frame_keeps_nothing_back(self):
        worker = self.worker(APP)
        broken = frames.frame(REQUEST, LAST, 2, b"\0\0\0\1\x93")
        worker.send(get("a") + broken)
        self.assertEqual(worker.answer(1).body, b"a")
        self.assertEqual(worker.wait(), 4)


if __name__ == "__main__":
    unittest.main()
