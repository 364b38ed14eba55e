import json
import os
import random
import unittest

from peer import SHIM_DIR
from standpipe_shim.core.packing import BadValue, pack, unpack

VECTORS = os.path.join(os.path.dirname(SHIM_DIR), "shim", "testdata", "vectors")


def load(name):
    with open(os.path.join(VECTORS, name), encoding="utf-8") as source:
        return json.load(source)


def meant(value):
    if isinstance(value, list):
        return [meant(item) for item in value]
    if isinstance(value, dict):
        if set(value) == {"$bin"}:
            return bytes.fromhex(value["$bin"])
        return {key: meant(item) for key, item in value.items()}
    return value


class Packing(unittest.TestCase):
    def test_vectors(self):
        seen = 0
        for vector in load("values.json"):
            raw = bytes.fromhex(vector["hex"])
            with self.subTest(vector["name"]):
                seen += 1
                if "error" in vector:
                    with self.assertRaises(BadValue):
                        unpack(raw)
                    continue
                value = meant(vector["value"])
                got = unpack(raw)
                self.assertEqual(got, value)
                self.assertIs(type(got), type(value))
                if vector.get("shortest"):
                    self.assertEqual(pack(value), raw)
        self.assertGreater(seen, 50)

    def test_what_cannot_be_packed(self):
        for value in (1.5, {1: 2}, object(), {b"k": 1}, 1 << 64, -(1 << 63) - 1):
            with self.assertRaises(TypeError):
                pack(value)

    def test_texts_that_are_not_utf8_are_escaped(self):
        self.assertEqual(unpack(pack("a\udce9b")), "a\\udce9b")

    def test_long_values(self):
        for value in ("x" * 70000, b"y" * 70000, list(range(70000)), {"k%d" % n: n for n in range(70000)}):
            self.assertEqual(unpack(pack(value)), value)

    def test_random_bytes_end_in_a_value_or_in_badvalue(self):
        chance = random.Random(5)
        leads = b"\x80\x81\x90\x91\xa1\xc4\xc5\xc6\xd9\xda\xdb\xdc\xdd\xde\xdf\xff\x00"
        for _ in range(20000):
            raw = bytes(chance.choice(leads) if chance.random() < 0.5 else chance.randrange(256) for _ in range(chance.randrange(24)))
            try:
                unpack(raw)
            except BadValue:
                pass

    def test_values_survive_and_their_cuts_do_not(self):
        chance = random.Random(6)

        def any_value(depth):
            kind = chance.randrange(8 if depth < 4 else 6)
            if kind < 6:
                return (
                    None,
                    chance.random() < 0.5,
                    chance.randrange(-(1 << 40), 1 << 40),
                    "t\u00e9" * chance.randrange(40),
                    bytes(chance.randrange(300)),
                    chance.randrange(-40, 140),
                )[kind]
            if kind == 6:
                return [any_value(depth + 1) for _ in range(chance.randrange(20))]
            return {"k%d" % n: any_value(depth + 1) for n in range(chance.randrange(20))}

        for _ in range(300):
            value = any_value(0)
            raw = pack(value)
            self.assertEqual(unpack(raw), value)
            with self.assertRaises(BadValue):
                unpack(raw[: chance.randrange(len(raw))])


if __name__ == "__main__":
    unittest.main()
