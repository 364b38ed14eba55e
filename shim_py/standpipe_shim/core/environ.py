"""From a Request's payload to the environ of PEP 3333."""

import struct
from time import monotonic

from .frames import ProtocolError
from .names import NAMES

_u32 = struct.Struct(">I").unpack_from
_u16 = struct.Struct(">H").unpack_from
# The length of the msgpack, an array of three, a uint64, the set of names, a bin.
_front = struct.Struct(">IBBQB").unpack_from

# The octets that a short str takes, its first included, by that first octet; 0: it begins no short str.
_SHORT = tuple(code - 0x9F if 0xA0 <= code <= 0xBF else 0 for code in range(256))

_SHAPES = 256  # sets of names that are remembered. A client may make as many as it likes: then they are forgotten, all


def base(boot, errors, file_wrapper):
    """Returns what is the same for every request of this worker.

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
        # What serve sets for each request: a copy that has room for them need not grow.
        "wsgi.input": None,
        "wsgi.early_hints": None,
        "standpipe.cancelled": None,
        "standpipe.on_cancel": None,
        "standpipe.after_response": None,
    }
    for key, value in boot["environ"].items():
        environ[key] = value.decode("latin-1") if isinstance(value, bytes) else value
    return environ


class Environs:
    """Makes an environ of each Request: a fresh builtin dict."""

    def __init__(self, base, timeout_ms=0):
        self._base = base
        self._limit = timeout_ms / 1000  # seconds from a request's start to its standpipe.deadline; 0: there is none
        self._shapes = {}  # set of names -> them in the order of their bits, and an environ to copy that has them as keys

    def make(self, payload):
        """Returns the environ of a Request, and the inline octets of its body. Raises ProtocolError for anything else.

        The hot path of the worker, so all that is done for each name is done in C: the names that come together are known by their
        number, their values are one text. With most requests nothing else follows."""
        try:
            size, array, integer, known, code = _front(payload)
            if code == 0xC4:
                start = 16
                stop = 16 + payload[15]
            elif code == 0xC5:
                start = 17
                stop = 17 + _u16(payload, 15)[0]
            elif code == 0xC6:
                start = 19
                stop = 19 + _u32(payload, 15)[0]
            else:
                raise ProtocolError("a Request's values begin with 0x%02x" % code)
            if array != 0x93 or integer != 0xCF:
                raise ProtocolError("a Request without a set of names")
            others = payload[stop]
        except (IndexError, struct.error):
            raise ProtocolError("a Request is cut short") from None
        names, pattern = self._shapes.get(known) or self._shape(known)
        text = payload[start:stop].decode("latin-1")
        values = text.split("\0", len(names))
        if len(values) != len(names) and (known or text):
            raise ProtocolError("a Request's values are not as many as its names")
        environ = pattern.copy()
        environ.update(zip(names, values))
        if self._limit:
            environ["standpipe.deadline"] = monotonic() + self._limit
        end = 4 + size
        stop += 1
        if others != 0x80:
            stop = _fill(environ, payload, stop - 1, end)
            _numbers(environ)
        if stop != end or end > len(payload):
            raise ProtocolError("a Request's lengths do not agree")
        return environ, payload[end:]

    def _shape(self, known):
        if known >> len(NAMES):
            raise ProtocolError("a Request's set 0x%x holds names that are not in the table" % known)
        names = tuple(name for bit, name in enumerate(NAMES) if known >> bit & 1)
        pattern = dict(self._base)
        pattern.update(dict.fromkeys(names))
        if len(self._shapes) >= _SHAPES:
            self._shapes.clear()
        shape = self._shapes[known] = (names, pattern)
        return shape


def _fill(environ, payload, at, end):
    """Adds the pairs of the map at this index to environ. Returns the index behind it, which should be end.

    The payload is decoded once, as latin-1, so that an octet and its character have one index; then keys and values are slices.
    A generic decoder costs four times as much. The index only grows, so one comparison of the caller's finds every length that
    was a lie."""
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
                raise ProtocolError("a Request's key begins with 0x%02x" % payload[at])
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
                raise ProtocolError("a Request's value begins with 0x%02x" % payload[stop])
            environ[key] = text[start:stop]
    except (IndexError, struct.error):
        raise ProtocolError("a Request is cut short") from None
    return stop


def _numbers(environ):
    """Takes what is a number out of text."""
    if "standpipe.attempt" in environ:
        environ["standpipe.attempt"] = _number(environ, "standpipe.attempt")
    if "standpipe.timeout_ms" in environ:
        limit = _number(environ, "standpipe.timeout_ms")
        del environ["standpipe.timeout_ms"]
        environ["standpipe.deadline"] = monotonic() + limit / 1000 if limit else None


def _number(environ, key):
    text = environ[key]
    if not (text.isdigit() and text.isascii() and len(text) < 19):
        raise ProtocolError(key + " is not a number")
    return int(text)
