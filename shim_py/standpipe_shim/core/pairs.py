"""The variables of a request whose names are not in the table of environ. Imported when the first request has one."""

import struct
from time import monotonic

from .frames import ProtocolError

_u16 = struct.Struct(">H").unpack_from
_u32 = struct.Struct(">I").unpack_from

# The bytes that a short str takes, its first included, by that first byte; 0: it begins no short str.
_SHORT = tuple(code - 0x9F if 0xA0 <= code <= 0xBF else 0 for code in range(256))


def fill(environ, payload, at, end):
    """Adds the pairs of the map at this index of a Request to environ. Returns the index behind it, which should be end.

    The payload is decoded once, as latin-1, so that a byte and its character have one index; then keys and values are slices. A
    generic decoder costs four times as much. The index only grows, so one comparison in the caller finds every false length."""
    try:
        code = payload[at]
        if 0x80 <= code <= 0x8F:
            count = code & 0x0F
            stop = at + 1
        elif code == 0xDE:
            (count,) = _u16(payload, at + 1)
            stop = at + 3
        else:
            raise ProtocolError("a Request without a map")
        text = (payload if end == len(payload) else payload[:end]).decode("latin-1")
        for _ in range(count):
            at = stop
            size = _SHORT[payload[at]]
            if size:
                stop = at + size
                key = text[at + 1 : stop]
            elif payload[at] == 0xD9:
                stop = at + 2 + payload[at + 1]
                key = text[at + 2 : stop]
            elif payload[at] == 0xDA:
                stop = at + 3 + _u16(payload, at + 1)[0]
                key = text[at + 3 : stop]
            elif payload[at] == 0xDB:
                stop = at + 5 + _u32(payload, at + 1)[0]
                key = text[at + 5 : stop]
            else:
                raise ProtocolError("a key of a Request begins with 0x%02x" % payload[at])
            if payload[stop] == 0xC4:
                start = stop + 2
                stop = start + payload[stop + 1]
            elif payload[stop] == 0xC5:
                start = stop + 3
                stop = start + _u16(payload, stop + 1)[0]
            elif payload[stop] == 0xC6:
                start = stop + 5
                stop = start + _u32(payload, stop + 1)[0]
            else:
                raise ProtocolError("a value of a Request begins with 0x%02x" % payload[stop])
            environ[key] = text[start:stop]
    except (IndexError, struct.error):
        raise ProtocolError("a Request is cut short") from None
    _numbers(environ)
    return stop


def _numbers(environ):
    """Turns the values that are numbers into int, and the time limit into standpipe.deadline."""
    if "standpipe.attempt" in environ:
        environ["standpipe.attempt"] = _number("standpipe.attempt", environ["standpipe.attempt"])
    if "standpipe.timeout_ms" in environ:
        limit = _number("standpipe.timeout_ms", environ.pop("standpipe.timeout_ms"))
        environ["standpipe.deadline"] = monotonic() + limit / 1000 if limit else None


def _number(key, text):
    if not (text.isdigit() and text.isascii() and len(text) < 19):
        raise ProtocolError(key + " is not a number")
    return int(text)
