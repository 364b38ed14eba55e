"""start_response and write: PEP 3333, "The start_response() Callable" and "The write() Callable"."""

import gc
import sys
import weakref

from .common import answer_text

TEXT = [("Content-Type", "text/plain")]


def late(environ, start_response):
    """A generator: nothing has run when the app returns."""
    start_response("201 Late", TEXT)
    yield b"late"


class _LateIterator:
    def __init__(self, start_response):
        self.start_response = start_response
        self.pieces = [b"one", b"two"]

    def __iter__(self):
        return self

    def __next__(self):
        if self.start_response is not None:
            self.start_response("201 Late", TEXT)
            self.start_response = None
        if not self.pieces:
            raise StopIteration
        return self.pieces.pop(0)


def late_class(environ, start_response):
    return _LateIterator(start_response)


def exc_before(environ, start_response):
    """Changes its mind before anything went out."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-First", "1"), ("Content-Length", "1000")])
    try:
        raise ValueError("changed my mind")
    except ValueError:
        start_response("503 Mind Changed", [("Content-Type", "text/plain"), ("X-Second", "1")], sys.exc_info())
    return [b"changed"]


def exc_after(environ, start_response):
    """Wants a new head after the first one has left: start_response raises what exc_info holds."""
    start_response("200 OK", TEXT)
    yield b"begun"
    try:
        raise ValueError("too late for a head")
    except ValueError:
        start_response("500 Too Late", TEXT, sys.exc_info())
    yield b"never sent"


def held(environ, start_response):
    """Empty chunks do not send the head."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-First", "1")])
    yield b""
    yield b""
    try:
        raise ValueError("still time")
    except ValueError:
        start_response("418 Held", [("Content-Type", "text/plain"), ("X-Second", "1")], sys.exc_info())
    yield b""
    yield b"held"


def twice(environ, start_response):
    start_response("200 OK", TEXT)
    start_response("200 OK", TEXT)
    return [b"never"]


def never(environ, start_response):
    return [b"body without a head"]


def never_empty(environ, start_response):
    return []


def never_generator(environ, start_response):
    yield b"body without a head"


def status_int(environ, start_response):
    start_response(200, TEXT)
    return [b"x"]


def status_bytes(environ, start_response):
    start_response(b"200 OK", TEXT)
    return [b"x"]


def headers_none(environ, start_response):
    start_response("200 OK", None)
    return [b"x"]


def headers_dict(environ, start_response):
    start_response("200 OK", {"Content-Type": "text/plain"})
    return [b"x"]


def name_bytes(environ, start_response):
    start_response("200 OK", [(b"X-Bytes", "v")])
    return [b"x"]


def value_int(environ, start_response):
    start_response("200 OK", [("Content-Length", 1)])
    return [b"x"]


def value_none(environ, start_response):
    start_response("200 OK", [("X-None", None)])
    return [b"x"]


def triple(environ, start_response):
    start_response("200 OK", [("X-A", "b", "c")])
    return [b"x"]


def write(environ, start_response):
    out = start_response("200 OK", TEXT)
    out(b"a")
    out(b"b")
    return []


def write_mixed(environ, start_response):
    out = start_response("200 OK", TEXT)
    out(b"a")
    out(b"b")
    return [b"c", b"d"]


def write_generator(environ, start_response):
    out = start_response("200 OK", TEXT)
    out(b"a")
    return (piece for piece in [b"b", b"c"])


def write_length(environ, start_response):
    out = start_response("200 OK", TEXT + [("Content-Length", "4")])
    out(b"ab")
    return [b"cd"]


def write_str(environ, start_response):
    out = start_response("200 OK", TEXT)
    out("text")
    return []


def write_raise(environ, start_response):
    out = start_response("200 OK", TEXT)
    out(b"begun")
    raise ValueError("after write")


KEPT = []


class _Token:
    pass


def _fail():
    token = _Token()
    KEPT.append(weakref.ref(token))
    raise ValueError("holds a token in its frame")


def exc_info_kept(environ, start_response):
    """Leaves a traceback whose frame holds a token; exc_info_report says whether the server let it go."""
    gc.disable()
    del KEPT[:]
    start_response("200 OK", TEXT)
    try:
        _fail()
    except ValueError:
        start_response("200 Again", TEXT, sys.exc_info())
    return [b"x"]


def exc_info_report(environ, start_response):
    alive = KEPT[0]() is not None
    gc.enable()
    return answer_text(start_response, "alive" if alive else "gone")


CASES = {name: view for name, view in list(globals().items()) if callable(view) and not name.startswith("_") and name != "answer_text"}
