import os
import random
import time
import unittest

from peer import environ as some_environ
from peer import request_payload
from standpipe_shim.core import environ, frames
from standpipe_shim.core.environ import NAMES
from standpipe_shim.core.frames import ProtocolError, Reader, Writer
from test_packing import load


def reader_of(raw, size=1 << 20):
    """A Reader over bytes that come size at a time."""
    left = [raw]

    def read(fd, most):
        taken = left[0][: min(most, size)]
        left[0] = left[0][len(taken) :]
        return taken

    return Reader(0, read)


class Frames(unittest.TestCase):
    def test_vectors(self):
        seen = {True: 0, False: 0}
        for vector in load("frames.json"):
            with self.subTest(vector["name"]):
                raw = bytes.fromhex(vector["frame_hex"])
                seen[vector["ok"]] += 1
                if vector["ok"]:
                    want = (vector["kind"], vector["flags"], vector["stream"], bytes.fromhex(vector["payload_hex"]))
                    self.assertEqual(frames.frame(*want), raw)
                    for size in (1, 7, 1 << 20):
                        reader = reader_of(raw, size)
                        self.assertEqual(reader.next(), want)
                        self.assertIsNone(reader.next())
                elif vector["error"] == "short":
                    self.assertIsNone(reader_of(raw).next())
                else:
                    with self.assertRaises(ProtocolError):
                        reader_of(raw[:12]).next()
        self.assertGreater(min(seen.values()), 15)

    def test_frames_back_to_back(self):
        each = [frames.frame(frames.BODY, 0, n, b"x" * n) for n in range(1, 200)]
        for size in (1, 5, 64, 1 << 20):
            reader = reader_of(b"".join(each), size)
            for n in range(1, 200):
                self.assertEqual(reader.next(), (frames.BODY, 0, n, b"x" * n))
            self.assertFalse(reader.holds_frame())
            self.assertIsNone(reader.next())

    def test_holds_frame(self):
        one = frames.frame(frames.BODY, 0, 1, b"abc")
        reader = reader_of(one + one + one[:5])
        self.assertFalse(reader.holds_frame())
        reader.next()
        self.assertTrue(reader.holds_frame())
        reader.next()
        self.assertFalse(reader.holds_frame())

    def test_random_bytes_end_in_frames_or_protocolerror(self):
        chance = random.Random(7)
        for _ in range(3000):
            raw = bytes((0xC1, chance.choice(list(frames.CEILING) + [0, 0x7F]), 0, chance.choice((0, 0, 1, 2))))
            raw += bytes(chance.randrange(256) if chance.random() < 0.2 else 0 for _ in range(chance.randrange(40)))
            reader = reader_of(raw, chance.randrange(1, 30))
            try:
                while reader.next() is not None:
                    pass
            except ProtocolError:
                pass

    def test_short_writes_are_finished(self):
        out = []

        def write(fd, raw):
            out.append(bytes(raw[:3]))
            return len(out[-1])

        Writer(0, os.getpid(), None, write=write).put(b"0123456789")
        self.assertEqual(b"".join(out), b"0123456789")

    def test_short_writes_of_two_parts_are_finished(self):
        head, body = b"head", bytes(range(256)) * 100
        for first in (0, 3, 4, 5, len(head) + len(body) - 1, len(head) + len(body)):
            for part in (body, memoryview(body)):
                out = []

                def write(fd, raw, size=7000):
                    out.append(bytes(raw[:size]))
                    return len(out[-1])

                writer = Writer(0, os.getpid(), None, write=write)
                writer._gather = lambda fd, parts: write(fd, b"".join(parts), first)
                writer.put(head, part)
                self.assertEqual(b"".join(out), head + body)
                self.assertEqual(len(out[0]), first)

    def test_another_process_never_writes(self):
        class Left(Exception):
            pass

        def leave():
            raise Left

        out = []
        writer = Writer(0, os.getpid(), leave, write=lambda fd, raw: out.append(raw), getpid=lambda: os.getpid() + 1)
        with self.assertRaises(Left):
            writer.put(b"x")
        writer._gather = lambda fd, parts: out.append(parts)
        with self.assertRaises(Left):
            writer.put(b"x", b"x" * 100000)
        self.assertEqual(out, [])


def make(payload, base=None, timeout_ms=0):
    return environ.Environs(base or {}, timeout_ms).make(payload)


class Environ(unittest.TestCase):
    def test_names(self):
        self.assertEqual(list(NAMES), load("names.json")["names"])
        self.assertLessEqual(len(NAMES), 64)
        self.assertEqual(len(set(NAMES)), len(NAMES))

    def test_vectors(self):
        seen = {True: 0, False: 0}
        for vector in load("requests.json"):
            payload = bytes.fromhex(vector["payload_hex"])
            wrong = vector.get("error", False)
            seen[wrong] += 1
            with self.subTest(vector["name"]):
                if wrong:
                    with self.assertRaises(ProtocolError):
                        make(payload)
                    continue
                values = {name: bytes.fromhex(value) for name, value in vector["environ"].items()}
                body = bytes.fromhex(vector["body_hex"])
                want = {name: value.decode("latin-1") for name, value in values.items()}
                if "standpipe.attempt" in want:
                    want["standpipe.attempt"] = int(want["standpipe.attempt"])
                got = make(payload)
                self.assertEqual(got, (want, body))
                self.assertTrue(all(type(key) is str for key in got[0]))
                if vector["exact"]:
                    self.assertEqual(request_payload(values, body), payload)
        self.assertGreater(min(seen.values()), 10)

    def test_values_are_latin_1(self):
        values = some_environ(PATH_INFO="/caf\xc3\xa9\xff\x00", QUERY_STRING="q" * 300, HTTP_COOKIE="c" * 70000)
        values["HTTP_" + "X" * 40] = b"long key"
        got, body = make(request_payload(values, b"body\xff"))
        self.assertEqual(body, b"body\xff")
        self.assertEqual(got, {key: value.decode("latin-1") for key, value in values.items()})
        self.assertTrue(all(type(key) is str and type(value) is str for key, value in got.items()))

    def test_few_keys(self):
        for count in (0, 1, 15, 16, 300):
            values = {"K%d" % n: b"v" for n in range(count)}
            self.assertEqual(len(make(request_payload(values))[0]), count)

    def test_each_environ_is_fresh(self):
        environs = environ.Environs({"mine": [], "PATH_INFO": "of the base"})
        payload = request_payload({"REQUEST_METHOD": b"GET"})
        first, second = environs.make(payload)[0], environs.make(payload)[0]
        self.assertEqual(first, {"mine": [], "PATH_INFO": "of the base", "REQUEST_METHOD": "GET"})
        first["more"] = first.pop("REQUEST_METHOD")
        self.assertEqual(second, environs.make(payload)[0])
        self.assertIs(type(second), dict)
        self.assertEqual(environs.make(request_payload({"PATH_INFO": b"/"}))[0]["PATH_INFO"], "/")

    def test_the_memory_of_sets_is_bounded(self):
        environs = environ.Environs({})
        chance = random.Random(9)
        for _ in range(5000):
            names = chance.sample(NAMES, chance.randrange(len(NAMES)))
            values = {name: b"%d" % n for n, name in enumerate(names)}
            self.assertEqual(environs.make(request_payload(values))[0], {key: value.decode() for key, value in values.items()})
        self.assertLessEqual(len(environs.shapes), 256)

    def test_numbers(self):
        self.assertEqual(make(request_payload({"standpipe.attempt": b"2"}))[0], {"standpipe.attempt": 2})
        for key in ("standpipe.attempt", "standpipe.timeout_ms"):
            for wrong in (b"", b"-1", b"two", b"\xb2", b"9" * 400):
                with self.assertRaises(ProtocolError):
                    make(request_payload({key: wrong}))

    def test_deadline(self):
        plain = request_payload({})
        self.assertNotIn("standpipe.deadline", make(plain)[0])
        for limit, payload, want in (
            (60000, plain, 60),
            (60000, request_payload({"standpipe.timeout_ms": b"5000"}), 5),
            (0, request_payload({"standpipe.timeout_ms": b"5000"}), 5),
        ):
            before = time.monotonic()
            got = make(payload, timeout_ms=limit)[0]
            self.assertEqual(list(got), ["standpipe.deadline"])
            self.assertTrue(before + want <= got["standpipe.deadline"] <= time.monotonic() + want)
        self.assertEqual(make(request_payload({"standpipe.timeout_ms": b"0"}), timeout_ms=60000)[0], {"standpipe.deadline": None})

    def test_random_changes_end_in_an_environ_or_in_protocolerror(self):
        chance = random.Random(8)
        good = request_payload(some_environ(HTTP_X_OTHER="other"), b"body")
        refused = 0
        for _ in range(10000):
            raw = bytearray(good)
            for _ in range(chance.randrange(1, 4)):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
            try:
                make(bytes(raw[: chance.choice((len(raw), chance.randrange(len(raw))))]))
            except ProtocolError:
                refused += 1
        self.assertGreater(refused, 100)


if __name__ == "__main__":
    unittest.main()
