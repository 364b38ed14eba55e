"""Recall: a Request runs, or it was recalled; never both, never neither."""

import os
import random
import sys
import threading
import unittest

from peer import LAST, WorkerTest, environ, frames, request_frame, until
from test_cancel_order import worker as silent_worker

# Notes each path that runs; waits, where the path says so, until the test makes a file of that name.
APP = """
import os, time
here = os.path.dirname(os.path.abspath(__file__))
def there(name):
    return os.path.exists(os.path.join(here, name))
def app(environ, start_response):
    name = environ["PATH_INFO"][1:]
    with open(os.path.join(here, "notes"), "a") as out:
        out.write(name + "\\n")
    if name == "loop":
        while not there("gate"):
            pass
    elif name.startswith("gate"):
        while not there(name):
            time.sleep(0.002)
    elif name == "body":
        name = environ["wsgi.input"].read().decode()
    start_response("200 OK", [])
    return [name.encode()]
"""


class Recall(WorkerTest):
    def notes(self):
        try:
            with open(os.path.join(self.dir, "notes")) as source:
                return source.read().split()
        except FileNotFoundError:
            return []

    def request(self, stream, name, last=True, body=b"", **values):
        return request_frame(stream, environ(PATH_INFO="/" + name, **values), body, last)

    def begin(self, name, stream=1, **options):
        """A worker that runs a request which waits."""
        worker = self.worker(APP, **options)
        worker.send(self.request(stream, name))
        self.assertTrue(until(lambda: self.notes() == [name]))
        return worker

    def end(self, worker, stream=1, more=100):
        """Opens the gate: what was not recalled is answered, then a further request, and nothing else."""
        self.file("gate", "")
        self.assertEqual(worker.answer(stream).status, "200 OK")
        self.assertEqual(worker.get(more, PATH_INFO="/last").body, b"last")
        self.assertEqual(self.notes()[-1], "last")
        return self.notes()[1:-1]

    def test_one_that_runs(self):
        worker = self.begin("gate")
        self.assertEqual(worker.recall(1), [])
        self.assertEqual(self.end(worker), [])

    def test_one_that_has_ended(self):
        worker = self.worker(APP)
        worker.get(1)
        self.assertEqual(worker.recall(1), [])
        worker.get(2)
        self.assertEqual(worker.recall(2, 1), [])
        self.assertEqual(worker.recall(), [])

    def test_in_the_pipe(self):
        for name in ("gate", "loop"):  # in sleep; in a loop of Python code
            with self.subTest(name):
                worker = self.begin(name)
                for stream in (2, 3, 4, 5):
                    worker.send(self.request(stream, "never"))
                self.assertEqual(worker.recall(3, 2, 1, 5, 4), [3, 2, 5, 4])  # while the first runs: its gate is closed
                self.assertEqual(self.end(worker), [])
                os.remove(os.path.join(self.dir, "gate"))
                os.remove(os.path.join(self.dir, "notes"))

    def test_read_and_not_begun(self):
        worker = self.worker(APP)
        worker.send(self.request(1, "gate") + self.request(2, "never") + self.request(3, "third"))  # one read takes them all
        self.assertTrue(until(self.notes))
        self.assertEqual(worker.recall(2), [2])
        self.file("gate", "")
        self.assertEqual([worker.answer(1).body, worker.answer(3).body], [b"gate", b"third"])
        self.assertEqual(self.notes(), ["gate", "third"])

    def test_in_the_ready_list(self):
        worker = self.worker(APP)
        # The first waits for its body, and reads what comes: the others.
        worker.send(self.request(1, "body", last=False) + self.request(2, "never") + self.request(3, "third"))
        worker.send(frames.frame(frames.BODY, 0, 1, b"a"))
        self.assertTrue(until(self.notes))
        self.assertEqual(worker.recall(2), [2])
        worker.send(frames.frame(frames.BODY, LAST, 1, b"b"))
        self.assertEqual([worker.answer(1).body, worker.answer(3).body], [b"ab", b"third"])
        self.assertEqual(self.notes(), ["body", "third"])

    def test_twice(self):
        worker = self.begin("gate")
        worker.send(self.request(2, "never") + self.request(3, "third"))
        self.assertEqual(worker.recall(2), [2])
        self.assertEqual(worker.recall(2), [])  # Go has had it, and may have given it to another worker
        self.assertEqual(worker.recall(2, 3), [3])
        self.assertEqual(self.end(worker), [])

    def test_before_it_was_sent(self):
        worker = self.begin("gate")
        self.assertEqual(worker.recall(2), [2])
        worker.send(self.request(2, "never"))
        self.assertEqual(self.end(worker), [])

    def test_a_post(self):
        worker = self.begin("gate")
        worker.send(self.request(2, "never", body=b"x", REQUEST_METHOD="POST"))
        worker.send(self.request(3, "never", last=False, REQUEST_METHOD="POST"))
        worker.send(frames.frame(frames.BODY, 0, 3, b"some"))
        self.assertEqual(worker.recall(2, 3), [2, 3])
        worker.send(frames.frame(frames.BODY, LAST, 3, b"the rest"))  # of no interest any more
        worker.window(2, 5)
        self.assertEqual(self.end(worker), [])

    def test_a_cancelled_one(self):
        worker = self.begin("gate")
        worker.send(self.request(2, "never") + self.request(3, "never"))
        worker.order(frames.CANCEL, 2)
        self.assertEqual(worker.recall(2, 3), [2, 3])
        worker.order(frames.CANCEL, 3)
        self.assertEqual(self.end(worker), [])

    def test_numbers_begin_again(self):
        worker = self.begin("gate", 0xFFFFFFFE)
        worker.send(self.request(0xFFFFFFFF, "never") + self.request(1, "never") + self.request(2, "second"))
        self.assertEqual(worker.recall(0xFFFFFFFF, 1, 0xFFFFFFFE, 0xFFFFFFFD, 0), [0xFFFFFFFF, 1])
        self.file("gate", "")
        self.assertEqual([worker.answer(0xFFFFFFFE).body, worker.answer(2).body], [b"gate", b"second"])
        self.assertEqual(worker.recall(0xFFFFFFFE, 0xFFFFFFFF, 1, 2), [])
        self.assertEqual(worker.get(3, PATH_INFO="/third").body, b"third")
        self.assertEqual(self.notes(), ["gate", "second", "third"])

    def test_on_threads(self):
        worker = self.worker(APP, threads=2)
        worker.send(self.request(1, "gate") + self.request(2, "gate2"))
        self.assertTrue(until(lambda: sorted(self.notes()) == ["gate", "gate2"]))
        worker.send(self.request(3, "never"))
        self.assertEqual(worker.recall(1, 2, 3), [3])
        self.file("gate", "")
        self.assertEqual(worker.answer(1).body, b"gate")
        worker.send(self.request(4, "fourth"))
        self.assertEqual(worker.answer(4).body, b"fourth")
        self.file("gate2", "")
        self.assertEqual(worker.answer(2).body, b"gate2")
        self.assertEqual(self.notes()[2:], ["fourth"])

    def test_the_worker_stops(self):
        worker = self.begin("gate")
        worker.send(self.request(2, "never"))
        self.assertEqual(worker.recall(2), [2])
        worker.close_end(worker.requests)
        self.file("gate", "")
        self.assertEqual(worker.answer(1).body, b"gate")
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(self.notes(), ["gate"])

    def test_what_is_no_recall(self):
        for payload in (b"\0\0\0", b"\0\0\0\1\0"):
            worker = self.worker(APP)
            worker.order(frames.RECALL, 0, payload)
            self.assertEqual(worker.wait(), -9)
            self.assertIn("out of step", worker.output("out of step"))


class Claims(unittest.TestCase):
    def test_nothing_is_left(self):
        w = silent_worker()
        for stream in range(1, 500):
            self.assertEqual(w.recall([stream] if stream % 3 else []), [stream] if stream % 3 else [])
            if stream % 2:
                w.cancel(stream)
            self.assertEqual(w.claim(w.open(stream, 0)), stream % 3 == 0)
            if stream % 3 == 0:
                w.close(stream)
            w.cancel(stream)
            self.assertEqual(w.recall([stream]), [])
        self.assertEqual((w.streams, w.cancels, w.waiting), ({}, set(), {}))

    def test_one_or_the_other(self):
        """Two threads, as fast as they can: each Request runs or was recalled."""
        last = 60000
        begin = 0xFFFFFFFF - last // 2
        numbers = [n for n in ((begin + i) & 0xFFFFFFFF for i in range(last)) if n]
        members = set(numbers)
        w = silent_worker()
        w.newest = begin - 1
        ran, given, done = [], [], []

        def run():
            for stream in numbers:
                exchange = w.open(stream, 1)
                if stream == numbers[last // 2]:
                    until(lambda: given)
                if w.claim(exchange):
                    ran.append(stream)
                    w.close(stream)
            done.append(True)

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            thread = threading.Thread(target=run)
            thread.start()
            chance = random.Random(3)
            while not done:
                now = w.newest
                given += w.recall([n for n in ((now + chance.randrange(-5, 40)) & 0xFFFFFFFF for _ in range(8)) if n in members])
            thread.join()
        finally:
            sys.setswitchinterval(interval)
        self.assertEqual(len(ran) + len(given), len(numbers))
        self.assertEqual(set(ran) | set(given), members)
        self.assertEqual((w.streams, w.waiting), ({}, {}))
        self.assertGreater(min(len(ran), len(given)), 0)


if __name__ == "__main__":
    unittest.main()
