"""From the payload of a Request to the environ of PEP 3333."""

import struct
from time import monotonic

from .. import purge
from .frames import ProtocolError

# The names that a Request gives by their number alone: bit i of its set stands for NAMES[i] (shim/PROTOCOL.md, "Request"). Go has
# the same table, and shim/testdata/vectors/names.json holds both to it. At most 64.
NAMES = tuple(
    """
    REQUEST_METHOD SCRIPT_NAME PATH_INFO QUERY_STRING REQUEST_URI RAW_URI SERVER_NAME SERVER_PORT SERVER_PROTOCOL REMOTE_ADDR
    REMOTE_PORT wsgi.url_scheme standpipe.request_id HTTPS CONTENT_TYPE CONTENT_LENGTH HTTP_HOST HTTP_ACCEPT HTTP_ACCEPT_ENCODING
    HTTP_ACCEPT_LANGUAGE HTTP_AUTHORIZATION HTTP_CACHE_CONTROL HTTP_COOKIE HTTP_DNT HTTP_FORWARDED HTTP_IF_MATCH
    HTTP_IF_MODIFIED_SINCE HTTP_IF_NONE_MATCH HTTP_ORIGIN HTTP_PRAGMA HTTP_PRIORITY HTTP_RANGE HTTP_REFERER HTTP_SEC_CH_UA
    HTTP_SEC_CH_UA_MOBILE HTTP_SEC_CH_UA_PLATFORM HTTP_SEC_FETCH_DEST HTTP_SEC_FETCH_MODE HTTP_SEC_FETCH_SITE HTTP_SEC_FETCH_USER
    HTTP_UPGRADE_INSECURE_REQUESTS HTTP_USER_AGENT HTTP_X_CSRFTOKEN HTTP_X_FORWARDED_FOR HTTP_X_FORWARDED_HOST
    HTTP_X_FORWARDED_PORT HTTP_X_FORWARDED_PROTO HTTP_X_REAL_IP HTTP_X_REQUEST_ID HTTP_X_REQUESTED_WITH
    HTTP_TRACEPARENT HTTP_TRACESTATE HTTP_X_REQUEST_START
    """.split()
)

_u16 = struct.Struct(">H").unpack_from
_u32 = struct.Struct(">I").unpack_from
# The length of the msgpack, an array of three, a uint64, the set of names, a bin.
_front = struct.Struct(">IBBQB").unpack_from

_SHAPES = 256  # sets of names that are kept. A client can make any number of them: when there are more, all are dropped


def base(boot, errors, file_wrapper):
    """Returns the part of an environ that is the same for every request of this worker.

    wsgi.multithread is true with gevent too: another request may run wherever this one waits. wsgi.multiprocess is true even with one
    worker: during a reload the old and the new worker serve side by side."""
    environ = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": errors,
        "wsgi.multithread": boot["threads"] > 1 or boot.get("gevent", 0) > 0,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": file_wrapper,
        "wsgi.input_terminated": True,
        "standpipe.purge": purge,
    }
    # What serve sets for each request: a copy that has room for them need not grow.
    later = "standpipe.deadline wsgi.input wsgi.early_hints standpipe.cancelled standpipe.on_cancel standpipe.after_response"
    environ.update(dict.fromkeys(later.split()))
    for key, value in boot["environ"].items():
        environ[key] = value.decode("latin-1") if isinstance(value, bytes) else value
    return environ


class Environs:
    """Makes the environ of each Request: a fresh builtin dict."""

    def __init__(self, base, timeout_ms=0):
        self._base = base
        self.limit = timeout_ms / 1000  # seconds from the start of a request to its standpipe.deadline; 0: there is none
        self.shapes = {}  # set of names -> those names in the order of their bits, and an environ to copy that has them as keys

    def make(self, payload):
        """Returns the environ of a Request, and the body bytes that came with it. Raises ProtocolError for anything else.

        This is the hot path of the worker, so C code does all that is done once per name: a number tells which names come
        together, and their values are one text. Most requests need nothing else."""
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
                raise ProtocolError("the values of a Request begin with 0x%02x" % code)
            if array != 0x93 or integer != 0xCF:
                raise ProtocolError("a Request without a set of names")
            others = payload[stop]
        except (IndexError, struct.error):
            raise ProtocolError("a Request is cut short") from None
        names, pattern = self.shapes.get(known) or self.shape(known)
        text = payload[start:stop].decode("latin-1")
        values = text.split("\0", len(names))
        if len(values) != len(names) and (known or text):
            raise ProtocolError("a Request has more or fewer values than names")
        environ = pattern.copy()
        environ.update(zip(names, values))
        if self.limit:
            environ["standpipe.deadline"] = monotonic() + self.limit
        end = 4 + size
        stop += 1
        if others != 0x80:
            stop = self._others(environ, payload, stop - 1, end)
        if stop != end or end > len(payload):
            raise ProtocolError("the lengths in a Request do not agree")
        return environ, payload[end:]

    def _others(self, environ, payload, at, end):
        from .pairs import fill

        self._others = fill
        return fill(environ, payload, at, end)

    def shape(self, known):
        if known >> len(NAMES):
            raise ProtocolError("the set 0x%x of a Request holds names that are not in the table" % known)
        names = tuple(name for bit, name in enumerate(NAMES) if known >> bit & 1)
        pattern = dict(self._base)
        pattern.update(dict.fromkeys(names))
        if len(self.shapes) >= _SHAPES:
            self.shapes.clear()
        shape = self.shapes[known] = (names, pattern)
        return shape
