"""Orders on fd 3 and frames on fd 0 have no order between them; credit has two writers."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from standpipe_shim.core.exchange import Exchange
from standpipe_shim.core.frames import CREDIT
from standpipe_shim.core.inbound import Inbound
from standpipe_shim.core.worker import Worker


class Silent:
    """Stands for pipes, log and signals that a unit test does not use."""

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


def worker():
    w = Worker(Silent(), Silent())
    w.attach(Silent(), Silent())
    w.inbound = Inbound(w)
    return w


class CancelOrder(unittest.TestCase):
    def test_a_cancel_before_its_request(self):
        w = worker()
        w.cancel(1)
        self.assertTrue(w.open(1, 0).cancelled)
        self.assertFalse(w.open(2, 0).cancelled)

    def test_a_cancel_after_its_request(self):
        w = worker()
        exchange = w.open(1, 0)
        w.cancel(1)
        self.assertTrue(exchange.cancelled)

    def test_late_cancels_leave_nothing_behind(self):
        w = worker()
        for stream in range(1, 1000):
            w.open(stream, 1)
            if stream % 2:
                w.cancel(stream)
            w.close(stream)
            w.cancel(stream)
        self.assertEqual(w.cancels, set())
        self.assertEqual(w.streams, {})

    def test_streams_begin_again_after_the_last_number(self):
        w = worker()
        w.open(0xFFFFFFFF, 1)
        w.close(0xFFFFFFFF)
        w.cancel(1)  # the next one
        self.assertTrue(w.open(1, 1).cancelled)


class CancelledBeforeItRuns(unittest.TestCase):
    def test_the_app_is_not_asked(self):
        from standpipe_shim.core.serve import serve

        w = worker()
        sent, asked = [], []
        w.put = sent.append
        w.app = lambda environ, start_response: asked.append(1)
        w.cancel(7)
        serve(w, w.open(7, 1), b"")
        self.assertEqual(asked, [])
        self.assertEqual(len(sent), 1)
        self.assertEqual(sent[0][1], 0x13)  # End
        self.assertEqual(w.streams, {})


class Credit(unittest.TestCase):
    def test_two_writers_lose_nothing(self):
        import threading

        exchange = Exchange(1, None)
        rounds = 20000
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            reader = threading.Thread(target=lambda: [_grant(exchange) for _ in range(rounds)])
            reader.start()
            for _ in range(rounds):
                exchange.spent += 3
            reader.join()
        finally:
            sys.setswitchinterval(interval)
        self.assertEqual(exchange.granted - exchange.spent, CREDIT + 5 * rounds - 3 * rounds)


def _grant(exchange):
    exchange.granted += 5


if __name__ == "__main__":
    unittest.main()
