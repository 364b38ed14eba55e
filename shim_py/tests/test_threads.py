"""Several requests at a time in one worker."""

import hashlib
import os
import random
import unittest

from peer import BODY, HEAD, LAST, Answer, WorkerTest, environ, frames, request_frame

APP = """
import os, threading, time, hashlib
here = os.path.dirname(os.path.abspath(__file__))
local = threading.local()
together = threading.Barrier(4)
def app(environ, start_response):
    path = environ["PATH_INFO"]
    start_response("200 OK", [("X-Path", path)])
    if path == "/gate":
        while not os.path.exists(os.path.join(here, "gate")):
            time.sleep(0.005)
    elif path == "/together":
        together.wait(120)
    elif path == "/hash":
        return [hashlib.sha256(environ["wsgi.input"].read()).hexdigest().encode()]
    elif path == "/large":
        return iter([b"x" * 400000])
    elif path == "/name":
        return [threading.current_thread().name.encode(), str(environ["wsgi.multithread"]).encode()]
    return [path.encode()]
"""


class Threads(WorkerTest):
    def test_stacks_of_a_worker_that_waits(self):
        worker = self.worker(APP, threads=2)
        self.assertEqual(worker.get(1, PATH_INFO="/").status[:3], "200")
        worker.order(frames.DUMP)
        self.assertEqual(worker.control_frame()[1], "")

    def test_requests_run_together(self):
        worker = self.worker(APP, threads=4)
        worker.send(b"".join(request_frame(n, environ(PATH_INFO="/together")) for n in range(1, 5)))
        got = {}
        while len(got) < 4:
            kind, flags, stream, _ = worker.frame()
            self.assertEqual((kind, flags), (HEAD, LAST))
            got[stream] = True
        self.assertEqual(sorted(got), [1, 2, 3, 4])
        self.assertEqual(worker.get(5, PATH_INFO="/name").body[-4:], b"True")
        worker.close_end(worker.requests)
        self.assertEqual(worker.wait(), 0)

    def test_a_held_request_holds_no_other(self):
        worker = self.worker(APP, threads=2)
        worker.send(request_frame(1, environ(PATH_INFO="/gate")))
        for stream in range(2, 200):
            self.assertEqual(worker.get(stream, PATH_INFO="/%d" % stream).body, b"/%d" % stream)
        self.file("gate", "")
        self.assertEqual(worker.answer(1).body, b"/gate")

    def test_one_that_waits_for_its_body_or_credit_holds_no_other(self):
        worker = self.worker(APP, threads=4)
        worker.send(request_frame(1, environ(PATH_INFO="/hash"), b"", last=False))
        worker.send(request_frame(2, environ(PATH_INFO="/hash"), b"", last=False))
        worker.send(request_frame(3, environ(PATH_INFO="/large")))
        got = 0
        while got < 256 << 10:
            kind, _, stream, payload = worker.frame()
            self.assertEqual(stream, 3)
            got += worker.raw(kind, payload)
        for stream in range(4, 100):
            self.assertEqual(worker.get(stream, PATH_INFO="/%d" % stream).body, b"/%d" % stream)
        worker.send(frames.frame(BODY, LAST, 2, b"two"))
        self.assertEqual(worker.answer(2).body.decode(), hashlib.sha256(b"two").hexdigest())
        worker.send(frames.frame(BODY, 0, 1, b"on"))
        worker.send(frames.frame(BODY, LAST, 1, b"e"))
        self.assertEqual(worker.answer(1).body.decode(), hashlib.sha256(b"one").hexdigest())
        worker.window(3, 1 << 20)
        self.assertEqual(len(worker.answer(3).body), 400000 - (256 << 10))

    def test_the_end_of_fd_0_wakes_all(self):
        worker = self.worker(APP, threads=5)
        worker.send(request_frame(1, environ(PATH_INFO="/hash"), b"", last=False))
        worker.send(request_frame(2, environ(PATH_INFO="/gate")))
        self.assertEqual(worker.get(3).body, b"/")
        worker.close_end(worker.requests)
        answer = worker.answer(1)
        self.assertEqual(answer.error["type"], "ConnectionError")
        self.file("gate", "")
        self.assertEqual(worker.answer(2).body, b"/gate")
        self.assertEqual(worker.wait(), 0)

    def test_many_at_random(self):
        chance = random.Random(9)
        threads = 6
        worker = self.worker(APP, threads=threads)
        self.file("gate", "")
        running, want = {}, {}
        stream = done = 0
        while done < 600:
            while len(running) < threads and stream < 600:
                stream += 1
                running[stream] = Answer()
                kind = chance.randrange(3)
                if kind == 0:
                    body = os.urandom(chance.randrange(3000))
                    want[stream] = hashlib.sha256(body).hexdigest().encode()
                    cut = chance.randrange(len(body) + 1)
                    worker.send(request_frame(stream, environ(PATH_INFO="/hash"), body[:cut], last=False))
                    worker.send(frames.frame(BODY, LAST, stream, body[cut:]))
                elif kind == 1:
                    want[stream] = b"x" * 400000
                    worker.send(request_frame(stream, environ(PATH_INFO="/large")))
                else:
                    want[stream] = b"/%d" % stream
                    worker.send(request_frame(stream, environ(PATH_INFO="/%d" % stream)))
            kind, flags, number, payload = worker.frame()
            if worker.take(running[number], kind, flags, payload):
                self.assertEqual(running.pop(number).body, want.pop(number))
                done += 1
            elif kind in (HEAD, BODY):
                worker.window(number, worker.raw(kind, payload))
        self.assertEqual(worker.output(), "")


if __name__ == "__main__":
    unittest.main()
