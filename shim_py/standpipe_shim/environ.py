"""From a Request's payload to the environ of PEP 3333."""

import struct

from .frames import ProtocolError

_u32 = struct.Struct(">I").unpack_from
_u16 = struct.Struct(">H").unpack_from

# The octets that a short str takes, its first included, by that first octet; 0: it begins no short str.
_SHORT = tuple(code - 0x9F if 0xA0 <= code <= 0xBF else 0 for code in range(256))


def base(boot, errors, file_wrapper):
    """Returns what is the same for every request of this worker. Each request gets a copy: a fresh builtin dict.

    wsgi.multithread is true with gevent: another request may run wherever this one waits, so what the app shares needs the
    same care. wsgi.multiprocess is true even with one worker: while a reload goes on, the old and the new worker serve side by side."""
    environ = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": errors,
        "wsgi.multithread": boot["threads"] > 1 or boot.get("gevent", 0) > 0,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": file_wrapper,
        "wsgi.input_terminated": True,
        "standpipe.deadline": None,
    }
    for key, value in boot["environ"].items():
        environ[key] = value.decode("latin-1") if isinstance(value, bytes) else value
    return environ


def fill(environ, payload):
    """Adds a Request's own keys to environ and returns the inline body octets.

    This is the hot loop of the worker: the payload is decoded once, as latin-1, so that an octet and its character have one
    index; then keys and values are slices. A generic decoder costs four times as much. The index only grows, so one
    comparison at the end finds every length that was a lie."""
    try:
        (size,) = _u32(payload)
        end = 4 + size
        text = (payload if end == len(payload) else payload[:end]).decode("latin-1")
        code = payload[4]
        if 0x80 <= code <= 0x8F:
            count = code & 0x0F
            at = 5
        elif code == 0xDE:
            (count,) = _u16(payload, 5)
            at = 7
        else:
            raise ProtocolError("a Request without a map")
        for _ in range(count):
            size = _SHORT[payload[at]]
            if size:
                stop = at + size
                key = text[at + 1 : stop]
            elif payload[at] == 0xD9:
                stop = at + 2 + payload[at + 1]
                key = text[at + 2 : stop]
            else:
                raise ProtocolError("a Request's key begins with 0x%02x" % payload[at])
            if payload[stop] == 0xC4:
                start = stop + 2
                at = start + payload[stop + 1]
            elif payload[stop] == 0xC5:
                start = stop + 3
                at = start + _u16(payload, stop + 1)[0]
            elif payload[stop] == 0xC6:
                start = stop + 5
                at = start + _u32(payload, stop + 1)[0]
            else:
                raise ProtocolError("a Request's value begins with 0x%02x" % payload[stop])
            environ[key] = text[start:at]
    except (IndexError, struct.error):
        raise ProtocolError("a Request is cut short") from None
    if at != end or end > len(payload):
        raise ProtocolError("a Request's lengths do not agree")
    if "standpipe.attempt" in environ:
        attempt = environ["standpipe.attempt"]
        if not (attempt.isdigit() and attempt.isascii()):
            raise ProtocolError("standpipe.attempt is not a number")
        environ["standpipe.attempt"] = int(attempt)
    return payload[end:]
