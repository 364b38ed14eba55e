"""The subset of msgpack that the protocol uses: nil, booleans, integers, str, bin, array, map with str keys.

unpack trusts nothing: it compares every length with the bytes at hand first, and values nest at most 4 deep (an array in an array
is depth 2)."""

import struct

DEPTH = 4

_CONSTANTS = ((0xC0, None), (0xC2, False), (0xC3, True))
_INTEGERS = (  # code, form, the smallest, and one more than the largest that is written so
    (0xCC, ">B", 0, 1 << 8),
    (0xCD, ">H", 0, 1 << 16),
    (0xCE, ">I", 0, 1 << 32),
    (0xCF, ">Q", 0, 1 << 64),
    (0xD0, ">b", -1 << 7, 0),
    (0xD1, ">h", -1 << 15, 0),
    (0xD2, ">i", -1 << 31, 0),
    (0xD3, ">q", -1 << 63, 0),
)
# Lengths: up to which the code itself holds them, that code, and the codes of a length in one, two and four bytes.
_STR = (31, 0xA0, 0xD9, 0xDA, 0xDB)
_BIN = (-1, 0, 0xC4, 0xC5, 0xC6)
_ARRAY = (15, 0x90, 0, 0xDC, 0xDD)
_MAP = (15, 0x80, 0, 0xDE, 0xDF)


class BadValue(ValueError):
    """Bytes that are not one whole value of the subset."""


def pack(value):
    """Returns value as bytes, each length in its shortest form. Raises TypeError for a type outside the subset."""
    out = []
    _pack(value, out.append)
    return b"".join(out)


def _pack(value, put):
    if value is None or isinstance(value, bool):
        put(next(bytes((code,)) for code, constant in _CONSTANTS if constant is value))
    elif isinstance(value, int):
        put(_integer(value))
    elif isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace")
        put(_length(len(text), *_STR))
        put(text)
    elif isinstance(value, bytes):
        put(_length(len(value), *_BIN))
        put(value)
    elif isinstance(value, (list, tuple)):
        put(_length(len(value), *_ARRAY))
        for item in value:
            _pack(item, put)
    elif isinstance(value, dict):
        put(_length(len(value), *_MAP))
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("the key of a map must be str, not " + type(key).__name__)
            _pack(key, put)
            _pack(item, put)
    else:
        raise TypeError("cannot pack " + type(value).__name__)


def _length(size, short, fix, one, two, four):
    if size <= short:
        return bytes((fix | size,))
    if size < 0x100 and one:
        return bytes((one, size))
    return struct.pack(">BH", two, size) if size < 0x10000 else struct.pack(">BI", four, size)


def bin_text(text):
    """Returns the msgpack of a bin as text, for a text that will be encoded as latin-1."""
    if type(text) is not str:
        text = str.__str__(text)  # its characters, whatever a subclass would print
    size = len(text)
    if size < 0x100:
        return "\xc4%c%s" % (size, text)
    if size < 0x10000:
        return "\xc5%c%c%s" % (size >> 8, size & 0xFF, text)
    return "\xc6%c%c%c%c%s" % (size >> 24, size >> 16 & 0xFF, size >> 8 & 0xFF, size & 0xFF, text)


def _integer(value):
    if -32 <= value < 0x80:
        return bytes((value & 0xFF,))
    for code, form, low, top in _INTEGERS:
        if low <= value < top:
            return bytes((code,)) + struct.pack(form, value)
    raise TypeError("an integer of more than 64 bits")


def unpack(data):
    """Returns the one value that data holds. Raises BadValue when it holds less, more, or something else."""
    value, at = _unpack(data, 0, 0)
    if at != len(data):
        raise BadValue("%d bytes after the value" % (len(data) - at))
    return value


def _unpack(data, at, depth):
    if at >= len(data):
        raise BadValue("the value is cut short")
    code = data[at]
    at += 1
    if code < 0x80 or code >= 0xE0:
        return (code if code < 0x80 else code - 0x100), at
    if code in _READ_CONSTANTS:
        return _READ_CONSTANTS[code], at
    if code in _READ_INTEGERS:
        form = _READ_INTEGERS[code]
        if len(data) - at < form.size:
            raise BadValue("an integer is cut short")
        return form.unpack_from(data, at)[0], at + form.size
    if code < 0xC0:
        read, size = (_map, code & 0x0F) if code < 0x90 else (_array, code & 0x0F) if code < 0xA0 else (_text, code & 0x1F)
    elif code in _READ_SIZED:
        read, width = _READ_SIZED[code]
        if len(data) - at < width:
            raise BadValue("a length is cut short")
        size = int.from_bytes(data[at : at + width], "big")
        at += width
    else:
        raise BadValue("0x%02x begins no value of the protocol" % code)
    return read(data, at, size, depth)


def _bytes(data, at, size, depth):
    if size > len(data) - at:
        raise BadValue("%d bytes announced, %d left" % (size, len(data) - at))
    return bytes(data[at : at + size]), at + size


def _text(data, at, size, depth):
    value, at = _bytes(data, at, size, depth)
    try:
        return str(value, "utf-8"), at
    except UnicodeDecodeError:
        raise BadValue("a text is not UTF-8") from None


def _array(data, at, count, depth):
    _check(data, at, count, depth)
    items = []
    for _ in range(count):
        item, at = _unpack(data, at, depth + 1)
        items.append(item)
    return items, at


def _map(data, at, count, depth):
    _check(data, at, count * 2, depth)
    pairs = {}
    for _ in range(count):
        key, at = _unpack(data, at, depth + 1)
        if type(key) is not str:
            raise BadValue("the key of a map is " + type(key).__name__)
        pairs[key], at = _unpack(data, at, depth + 1)
    return pairs, at


def _check(data, at, count, depth):
    # Each value takes at least one byte, so a count beyond what is left is a lie.
    if count > len(data) - at:
        raise BadValue("%d values announced, %d bytes left" % (count, len(data) - at))
    if depth >= DEPTH:
        raise BadValue("values nest deeper than %d" % DEPTH)


_READ_CONSTANTS = dict(_CONSTANTS)
_READ_INTEGERS = {code: struct.Struct(form) for code, form, _, _ in _INTEGERS}
_READ_SIZED = {
    code: (read, width)
    for read, codes in ((_text, _STR), (_bytes, _BIN), (_array, _ARRAY), (_map, _MAP))
    for code, width in zip(codes[2:], (1, 2, 4))
    if code
}
