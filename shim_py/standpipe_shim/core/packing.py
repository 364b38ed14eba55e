"""The subset of msgpack that the protocol uses: nil, booleans, integers, str, bin, array, map with str keys.

unpack trusts nothing: every length is compared with the octets at hand before anything is made of it, and values nest at
most 4 deep (an array in an array is depth 2)."""

import struct

DEPTH = 4

_u16 = struct.Struct(">H").unpack_from
_u32 = struct.Struct(">I").unpack_from
_INTS = {
    0xCC: (1, struct.Struct(">B").unpack_from),
    0xCD: (2, _u16),
    0xCE: (4, _u32),
    0xCF: (8, struct.Struct(">Q").unpack_from),
    0xD0: (1, struct.Struct(">b").unpack_from),
    0xD1: (2, struct.Struct(">h").unpack_from),
    0xD2: (4, struct.Struct(">i").unpack_from),
    0xD3: (8, struct.Struct(">q").unpack_from),
}


class BadValue(ValueError):
    """Octets that are not one whole value of the subset."""


def pack(value):
    """Returns value as octets, each length in its shortest form. Raises TypeError for a type outside the subset."""
    out = []
    _pack(value, out.append)
    return b"".join(out)


def _pack(value, put):
    if value is None:
        put(b"\xc0")
    elif value is True:
        put(b"\xc3")
    elif value is False:
        put(b"\xc2")
    elif isinstance(value, int):
        put(_pack_int(value))
    elif isinstance(value, str):
        octets = value.encode("utf-8", "backslashreplace")
        size = len(octets)
        if size < 32:
            put(bytes((0xA0 | size,)))
        elif size < 0x100:
            put(struct.pack(">BB", 0xD9, size))
        elif size < 0x10000:
            put(struct.pack(">BH", 0xDA, size))
        else:
            put(struct.pack(">BI", 0xDB, size))
        put(octets)
    elif isinstance(value, bytes):
        size = len(value)
        if size < 0x100:
            put(struct.pack(">BB", 0xC4, size))
        elif size < 0x10000:
            put(struct.pack(">BH", 0xC5, size))
        else:
            put(struct.pack(">BI", 0xC6, size))
        put(value)
    elif isinstance(value, (list, tuple)):
        put(_count(len(value), 0x90, 0xDC))
        for item in value:
            _pack(item, put)
    elif isinstance(value, dict):
        put(_count(len(value), 0x80, 0xDE))
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("a map's key must be str, not " + type(key).__name__)
            _pack(key, put)
            _pack(item, put)
    else:
        raise TypeError("cannot pack " + type(value).__name__)


def _count(count, fix, wide):
    if count < 16:
        return bytes((fix | count,))
    if count < 0x10000:
        return struct.pack(">BH", wide, count)
    return struct.pack(">BI", wide + 1, count)


def _pack_int(value):
    if value >= 0:
        if value < 0x80:
            return bytes((value,))
        for code, form, top in ((0xCC, "B", 0x100), (0xCD, "H", 0x10000), (0xCE, "I", 1 << 32), (0xCF, "Q", 1 << 64)):
            if value < top:
                return struct.pack(">B" + form, code, value)
    else:
        if value >= -32:
            return bytes((value & 0xFF,))
        for code, form, low in ((0xD0, "b", -0x80), (0xD1, "h", -0x8000), (0xD2, "i", -1 << 31), (0xD3, "q", -1 << 63)):
            if value >= low:
                return struct.pack(">B" + form, code, value)
    raise TypeError("an integer of more than 64 bits")


def unpack(data):
    """Returns the one value that data holds. Raises BadValue when it holds less, more, or something else."""
    value, at = _unpack(data, 0, 0)
    if at != len(data):
        raise BadValue("%d octets after the value" % (len(data) - at))
    return value


def _unpack(data, at, depth):
    left = len(data) - at - 1
    if left < 0:
        raise BadValue("the value is cut short")
    code = data[at]
    at += 1
    if code < 0x80:
        return code, at
    if code >= 0xE0:
        return code - 0x100, at
    if code < 0x90:
        return _map(data, at, code & 0x0F, depth)
    if code < 0xA0:
        return _array(data, at, code & 0x0F, depth)
    if code < 0xC0:
        return _octets(data, at, code & 0x1F, str)
    if code == 0xC0:
        return None, at
    if code == 0xC2:
        return False, at
    if code == 0xC3:
        return True, at
    if code in _INTS:
        size, read = _INTS[code]
        if left < size:
            raise BadValue("an integer is cut short")
        return read(data, at)[0], at + size
    if 0xC4 <= code <= 0xC6:
        size, at = _size(data, at, code - 0xC4)
        return _octets(data, at, size, bytes)
    if 0xD9 <= code <= 0xDB:
        size, at = _size(data, at, code - 0xD9)
        return _octets(data, at, size, str)
    if code in (0xDC, 0xDD):
        size, at = _size(data, at, code - 0xDC + 1)
        return _array(data, at, size, depth)
    if code in (0xDE, 0xDF):
        size, at = _size(data, at, code - 0xDE + 1)
        return _map(data, at, size, depth)
    raise BadValue("0x%02x begins no value of the protocol" % code)


def _size(data, at, power):
    width = 1 << power
    if len(data) - at < width:
        raise BadValue("a length is cut short")
    return int.from_bytes(data[at : at + width], "big"), at + width


def _octets(data, at, size, kind):
    if size > len(data) - at:
        raise BadValue("%d octets announced, %d left" % (size, len(data) - at))
    octets = data[at : at + size]
    if kind is bytes:
        return bytes(octets), at + size
    try:
        return str(octets, "utf-8"), at + size
    except UnicodeDecodeError:
        raise BadValue("a text is not UTF-8") from None


def _array(data, at, count, depth):
    # Each item takes at least one octet, so a count beyond what is left is a lie: said before a list grows.
    if count > len(data) - at:
        raise BadValue("%d items announced, %d octets left" % (count, len(data) - at))
    if depth >= DEPTH:
        raise BadValue("values nest deeper than %d" % DEPTH)
    items = []
    for _ in range(count):
        item, at = _unpack(data, at, depth + 1)
        items.append(item)
    return items, at


def _map(data, at, count, depth):
    if count * 2 > len(data) - at:
        raise BadValue("%d pairs announced, %d octets left" % (count, len(data) - at))
    if depth >= DEPTH:
        raise BadValue("values nest deeper than %d" % DEPTH)
    pairs = {}
    for _ in range(count):
        key, at = _unpack(data, at, depth + 1)
        if type(key) is not str:
            raise BadValue("a map's key is " + type(key).__name__)
        pairs[key], at = _unpack(data, at, depth + 1)
    return pairs, at
