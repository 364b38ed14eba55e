"""Hostile bytes: nothing but the one error comes out, and no length is believed. The seed is printed when a run fails;
STANDPIPE_FUZZ_SEED repeats it, STANDPIPE_FUZZ_SECONDS prolongs it."""

import os
import random
import struct
import sys
import time
import unittest

import peer
from standpipe_shim.core import environ, frames, packing

try:
    import tracemalloc
except ImportError:
    tracemalloc = None

SECONDS = float(os.environ.get("STANDPIPE_FUZZ_SECONDS", "1"))  # for each decoder
SEED = int(os.environ.get("STANDPIPE_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)

HOSTILE = (
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\x91" * 5000,
    b"\x81\xa1a" * 2000,
    b"\xc9\xff\xff\xff\xff\x01",
    b"\xc1",
    b"",
    b"\xde\xff\xff",
    b"\xdc\xff\xff",
    b"\xda\xff\xff",
)


def request(pairs, body=b""):
    return peer.request_payload(dict(pairs), body)


def make(raw):
    return environ.Environs({}).make(raw)


GOOD_VALUES = [
    packing.pack(value)
    for value in (
        {"name": "shop", "threads": 4, "environ": {"A": b"b" * 300}, "list": ["x" * 40, -1, 1 << 40, None, True, [[]]]},
        ["a", b"\xff" * 70000, {"k": {"k": [1, -200, 70000]}}],
        "text",
        b"",
        0,
    )
]
GOOD_REQUESTS = [
    request([("REQUEST_METHOD", b"GET"), ("PATH_INFO", b"/" + b"x" * 400), ("standpipe.attempt", b"2")], b"body"),
    request([("K%d" % i, b"v" * i) for i in range(40)]),
    request([("A", b"x" * 70000)]),
    request([]),
    request([(name, b"v" * i) for i, name in enumerate(environ.NAMES)]),
    request([("PATH_INFO", b"x" * 70000), ("HTTP_X", b"\0")]),
]
GOOD_FRAMES = [
    frames.frame(frames.REQUEST, frames.LAST, 1, GOOD_REQUESTS[0]),
    frames.frame(frames.BODY, 0, 1, b"x" * 65536),
    frames.frame(frames.WINDOW, 0, 1, b"\0\0\1\0"),
    frames.frame(frames.INTERRUPT, 0, 7, b"\1"),
]


def mutate(rnd, good):
    """Returns bytes that are almost right, or not at all."""
    raw = bytearray(rnd.choice(good))
    for _ in range(rnd.randrange(1, 6)):
        at = rnd.randrange(len(raw) + 1)
        how = rnd.randrange(6)
        if how == 0 and raw:
            raw[at % len(raw)] = rnd.randrange(256)
        elif how == 1:
            raw[at:at] = rnd.choice(HOSTILE)
        elif how == 2:
            del raw[at : at + rnd.randrange(1, 9)]
        elif how == 3:
            raw[at : at + 4] = struct.pack(">I", rnd.choice((0, 1, len(raw), 0x7FFFFFFF, 0xFFFFFFFF)))
        elif how == 4:
            del raw[at:]
        else:
            raw = bytearray(rnd.getrandbits(8) for _ in range(rnd.randrange(200)))
    return bytes(raw)


class Fuzz(unittest.TestCase):
    def pound(self, good, decode, allowed):
        """decode gets bytes for a while. Returns how often it has accepted some."""
        rnd = random.Random(SEED)
        accepted = rounds = 0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or rounds < 200:
            rounds += 1
            raw = rnd.choice(good) if rounds % 50 == 0 else mutate(rnd, good)
            try:
                decode(raw)
                accepted += 1
            except allowed:
                pass
            except BaseException as error:
                self.fail("seed %d, round %d: %r: %r" % (SEED, rounds, error, raw[:300]))
        self.assertGreater(accepted, 0)

    def test_values(self):
        self.pound(GOOD_VALUES, packing.unpack, packing.BadValue)

    def test_requests(self):
        self.pound(GOOD_REQUESTS, make, frames.ProtocolError)

    def test_frames(self):
        def read(raw):
            parts = [raw[at : at + 1000] for at in range(0, len(raw), 1000)]
            reader = frames.Reader(-1, read=lambda fd, size: parts.pop(0) if parts else b"")
            while True:
                frame = reader.next()
                if frame is None:
                    return
                self.assertLessEqual(len(frame[3]), frames.CEILING[frame[0]])

        self.pound(GOOD_FRAMES, read, frames.ProtocolError)


@unittest.skipIf(tracemalloc is None or sys.implementation.name != "cpython", "SKIP[pypy]: tracemalloc measures CPython's memory")
class Memory(unittest.TestCase):
    """What a lie about a length may cost: twice the ceiling of a frame, and the bytes that came."""

    def peak(self, decode, raw, allowed):
        tracemalloc.start()
        try:
            decode(raw)
        except allowed:
            pass
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return peak

    def test_lies_take_no_memory(self):
        rnd = random.Random(SEED)
        ceiling = frames.CEILING[frames.REQUEST]
        for good, decode, allowed in ((GOOD_VALUES, packing.unpack, packing.BadValue), (GOOD_REQUESTS, make, frames.ProtocolError)):
            for raw in (
                list(HOSTILE)
                + [prefix + lie for lie in HOSTILE for prefix in (b"\0\0\0\5", b"\x81\xa1a", b"\0\0\0\x40\x93\xcf\0\0\0\0\0\0\0\1")]
                + [mutate(rnd, good) for _ in range(300)]
            ):
                peak = self.peak(decode, raw, allowed)
                self.assertLess(peak, 2 * ceiling, "seed %d: %d bytes: %r" % (SEED, len(raw), raw[:100]))
                self.assertLess(peak, 64 * len(raw) + 20000, "seed %d: %d bytes: %r" % (SEED, len(raw), raw[:100]))

    def test_the_largest_frames_take_twice_their_size(self):
        ceiling = frames.CEILING[frames.REQUEST]
        body = b"b" * frames.CHUNK
        for name in ("A", "PATH_INFO"):
            for fill in (b"x", b"\xff"):
                room = ceiling - len(body) - len(request([(name, b"")]))
                payload = request([(name, fill * (room - 10))], body)
                self.assertLessEqual(len(payload), ceiling)
                self.assertLess(self.peak(make, payload, ()), 2 * ceiling + 2 * frames.CHUNK)
        lie = payload[:19] + b"\0" * (len(payload) - 19)  # a million values for one name
        self.assertLess(self.peak(make, lie, frames.ProtocolError), 2 * ceiling + 2 * frames.CHUNK)

        raw = frames.frame(frames.REQUEST, 0, 1, payload)
        parts = [raw[at : at + 65536] for at in range(0, len(raw), 65536)]
        reader = frames.Reader(-1, read=lambda fd, size: parts.pop(0) if parts else b"")
        self.assertLess(self.peak(lambda _: reader.next(), b"", ()), 2 * ceiling + 2 * frames.CHUNK)


if __name__ == "__main__":
    unittest.main()
