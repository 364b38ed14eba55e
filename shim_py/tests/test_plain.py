"""The straight path of plain.serve_plain does what serve does."""

import os
import random
import sys
import threading
import unittest

import peer
from standpipe_shim.core import environ, frames, plain
from standpipe_shim.core.inbound import Inbound
from standpipe_shim.core.worker import Worker
from test_cancel_order import Silent
from test_fuzz import GOOD_REQUESTS, SEED, mutate

SHORT = [payload for payload in GOOD_REQUESTS if len(payload) < 4000] + [
    peer.request_payload(peer.environ()),
    peer.request_payload(peer.environ(HTTP_COOKIE="x" * 300, HTTP_OTHER="y"), b"body"),
]


class Plain(Worker):
    """A worker that reads what the test gives it, and keeps what it writes."""

    def __init__(self, raw, app=None):
        super().__init__(Silent(), Silent())
        self.pipes.pid = os.getpid()
        self.parts = [raw]
        self.out = []
        self.seen = []
        self.attach(frames.Reader(0, self._read), Silent())
        self.put = lambda head, body=b"": self.out.append(head + bytes(body))
        self.environs = environ.Environs({"base": 1}, 0)
        self.app = app or self._app
        self.inbound = Inbound(self)

    def _read(self, fd, size):
        return self.parts.pop(0) if self.parts else b""

    def _app(self, environ, start_response):
        body = environ["wsgi.input"].read()
        self.seen.append(({key: value for key, value in environ.items() if type(value) in (str, int)}, body))
        start_response("200 OK", [])
        return [b"x"]


class StraightPath(unittest.TestCase):
    def test_it_reads_what_make_reads(self):
        rnd = random.Random(SEED)
        accepted = 0
        for number in range(6000):
            payload = rnd.choice(SHORT) if number % 20 == 0 else mutate(rnd, SHORT)
            worker = Plain(frames.frame(frames.REQUEST, frames.LAST, 7, payload))
            try:
                made, body = worker.environs.make(payload)
                made.pop("standpipe.deadline", None)
                want = [(made, body)]
            except frames.ProtocolError:
                want = None
            try:
                plain.loop(worker)
                got = worker.seen
                for found, _ in got:
                    found.pop("standpipe.deadline", None)
            except frames.ProtocolError:
                got = None
            self.assertEqual(got, want, "seed %d: %r" % (SEED, payload[:200]))
            accepted += got is not None
        self.assertGreater(accepted, 0)

    def test_what_is_not_plain_is_left_in_the_pipe(self):
        good = frames.frame(frames.REQUEST, frames.LAST, 7, SHORT[-1])
        others = [
            frames.frame(frames.REQUEST, 0, 8, SHORT[-1]),  # its body comes in further frames
            frames.frame(frames.WINDOW, 0, 7, b"\0\0\0\1"),
            frames.frame(frames.REQUEST, frames.LAST, 8, SHORT[-1] + b"x" * frames.SHARE),
            good[:-1],
            good[:5],
        ]
        for other in others:
            worker = Plain(good + other)
            plain.serve_plain(worker, Lines)
            self.assertEqual(len(worker.seen), 1)
            self.assertEqual(worker.reader.held[worker.reader.at :], other)

    def test_one_or_the_other(self):
        """Two threads, as fast as they can: each Request runs or was recalled."""
        last = 20000
        begin = 0xFFFFFFFF - last // 2
        numbers = [n for n in ((begin + i) & 0xFFFFFFFF for i in range(last)) if n]
        members = set(numbers)
        raw = peer.request_frame(1, peer.environ())
        ran, given, done = [], [], []

        def app(environ, start_response):
            ran.append(worker.running.stream)
            if ran[-1] == numbers[last // 2]:
                peer.until(lambda: given)
            start_response("200 OK", [])
            return [b""]

        worker = Plain(b"", app)
        worker.newest = begin - 1
        for at in range(0, len(numbers), 10):  # whole frames, ten in one read
            worker.parts.append(b"".join(raw[:4] + n.to_bytes(4, "big") + raw[8:] for n in numbers[at : at + 10]))
        del worker.parts[0]

        def run():
            plain.serve_plain(worker, Lines)
            done.append(True)

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            thread = threading.Thread(target=run)
            thread.start()
            chance = random.Random(3)
            while not done:
                now = worker.newest
                given += worker.recall([n for n in ((now + chance.randrange(-5, 40)) & 0xFFFFFFFF for _ in range(8)) if n in members])
            thread.join()
        finally:
            sys.setswitchinterval(interval)
        self.assertEqual(len(ran) + len(given), len(numbers))
        self.assertEqual(set(ran) | set(given), members)
        self.assertEqual((worker.streams, worker.waiting), ({}, {}))
        self.assertGreater(min(len(ran), len(given)), 0)


class Lines:
    due = False


if __name__ == "__main__":
    unittest.main()
