import os
import random
import struct
import unittest

from peer import environ as some_environ
from test_packing import load
from standpipe_shim import environ, frames
from standpipe_shim.frames import ProtocolError, Reader, Writer
from standpipe_shim.packing import pack


def reader_of(octets, size=1 << 20):
    """A Reader over octets that come size at a time."""
    left = [octets]

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
                octets = bytes.fromhex(vector["frame_hex"])
                seen[vector["ok"]] += 1
                if vector["ok"]:
                    want = (vector["kind"], vector["flags"], vector["stream"], bytes.fromhex(vector["payload_hex"]))
                    self.assertEqual(frames.frame(*want), octets)
                    for size in (1, 7, 1 << 20):
                        reader = reader_of(octets, size)
                        self.assertEqual(reader.next(), want)
                        self.assertIsNone(reader.next())
                elif vector["error"] == "short":
                    self.assertIsNone(reader_of(octets).next())
                else:
                    with self.assertRaises(ProtocolError):
                        reader_of(octets[:12]).next()
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

    def test_random_octets_end_in_frames_or_protocolerror(self):
        chance = random.Random(7)
        for _ in range(3000):
            octets = bytes((0xC1, chance.choice(list(frames.CEILING) + [0, 0x7F]), 0, chance.choice((0, 0, 1, 2))))
            octets += bytes(chance.randrange(256) if chance.random() < 0.2 else 0 for _ in range(chance.randrange(40)))
            reader = reader_of(octets, chance.randrange(1, 30))
            try:
                while reader.next() is not None:
                    pass
            except ProtocolError:
                pass

    def test_short_writes_are_finished(self):
        out = []

        def write(fd, octets):
            out.append(bytes(octets[:3]))
            return len(out[-1])

        Writer(0, os.getpid(), None, write=write).put(b"0123456789")
        self.assertEqual(b"".join(out), b"0123456789")

    def test_another_process_never_writes(self):
        class Left(Exception):
            pass

        def leave():
            raise Left

        out = []
        writer = Writer(0, os.getpid(), leave, write=lambda fd, octets: out.append(octets), getpid=lambda: os.getpid() + 1)
        with self.assertRaises(Left):
            writer.put(b"x")
        self.assertEqual(out, [])


class Environ(unittest.TestCase):
    @staticmethod
    def payload(values, body=b""):
        head = pack(values)
        return struct.pack(">I", len(head)) + head + body

    def test_values_are_latin_1(self):
        values = some_environ(PATH_INFO="/caf\xc3\xa9\xff\x00", QUERY_STRING="q" * 300, HTTP_COOKIE="c" * 70000)
        values["HTTP_" + "X" * 40] = b"long key"
        got = {}
        self.assertEqual(environ.fill(got, self.payload(values, b"body\xff")), b"body\xff")
        self.assertEqual(got, {key: value.decode("latin-1") for key, value in values.items()})
        self.assertTrue(all(type(key) is str and type(value) is str for key, value in got.items()))

    def test_few_keys(self):
        for count in (0, 1, 15, 16, 300):
            values = {"K%d" % n: b"v" for n in range(count)}
            got = {}
            environ.fill(got, self.payload(values))
            self.assertEqual(len(got), count)

    def test_attempt_is_an_int(self):
        got = {}
        environ.fill(got, self.payload({"standpipe.attempt": b"2"}))
        self.assertEqual(got, {"standpipe.attempt": 2})
        for wrong in (b"", b"-1", b"two", b"\xb2"):
            with self.assertRaises(ProtocolError):
                environ.fill({}, self.payload({"standpipe.attempt": wrong}))

    def test_lies(self):
        good = self.payload({"A": b"1", "B": b"22"})
        for wrong in (
            b"",
            b"\0\0\0",
            good[:-1],
            struct.pack(">I", len(good)) + good[4:],
            struct.pack(">I", len(good) - 5) + good[4:] + b"body",
            struct.pack(">I", 0xFFFFFFFF) + good[4:],
            self.payload([b"1"]),
            self.payload({"A": "str"}),
            self.payload({"A": 1}),
            b"\0\0\0\4\x81\xc4\x01A",
            b"\0\0\0\3\xde\xff\xff",
            b"\0\0\0\x08\x81\xa1A\xc6\xff\xff\xff\xff",
        ):
            with self.subTest(wrong), self.assertRaises(ProtocolError):
                environ.fill({}, wrong)

    def test_random_changes_end_in_an_environ_or_in_protocolerror(self):
        chance = random.Random(8)
        good = self.payload(some_environ(), b"body")
        refused = 0
        for _ in range(10000):
            octets = bytearray(good)
            for _ in range(chance.randrange(1, 4)):
                octets[chance.randrange(len(octets))] = chance.randrange(256)
            try:
                environ.fill({}, bytes(octets[: chance.choice((len(octets), chance.randrange(len(octets))))]))
            except ProtocolError:
                refused += 1
        self.assertGreater(refused, 100)


if __name__ == "__main__":
    unittest.main()
