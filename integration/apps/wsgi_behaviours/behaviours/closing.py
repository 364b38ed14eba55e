"""close(): called once in every path (PEP 3333, "Specification Details"). Each call leaves a line in the record file."""

import sys

from .common import query, record, wait_gate

TEXT = [("Content-Type", "text/plain")]


class Closing:
    """An iterable that counts its close() calls and does in __next__ what the case wants."""

    def __init__(self, environ, pieces, fail_at=None, endless=False):
        self.id = query(environ)["id"]
        self.pieces = list(pieces)
        self.fail_at = fail_at
        self.endless = endless
        self.at = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.at == self.fail_at:
            raise ValueError("iteration failed")
        if self.endless:
            self.at += 1
            return b"x" * 4096
        if self.at == len(self.pieces):
            raise StopIteration
        self.at += 1
        return self.pieces[self.at - 1]

    def close(self):
        record("close " + self.id)


class ClosingList(list):
    """A list with a close: len() is known and close() still counts."""

    def __init__(self, environ, pieces):
        super().__init__(pieces)
        self.id = query(environ)["id"]

    def close(self):
        record("close " + self.id)


def finish(environ, start_response):
    start_response("200 OK", TEXT)
    return Closing(environ, [b"a", b"b"])


def one(environ, start_response):
    start_response("200 OK", TEXT)
    return ClosingList(environ, [b"only"])


def as_list(environ, start_response):
    start_response("200 OK", TEXT)
    return ClosingList(environ, [b"a", b"b"])


def empty(environ, start_response):
    start_response("200 OK", TEXT)
    return Closing(environ, [])


def raise_first(environ, start_response):
    start_response("200 OK", TEXT)
    return Closing(environ, [b"a"], fail_at=0)


def raise_later(environ, start_response):
    start_response("200 OK", TEXT)
    return Closing(environ, [b"a", b"b"], fail_at=1)


def no_start(environ, start_response):
    return Closing(environ, [b"a"])


def late_twice(environ, start_response):
    """The AssertionError of the second start_response comes out of the iteration."""
    start_response("200 OK", TEXT)

    class Twice(Closing):
        def __next__(self):
            start_response("200 OK", TEXT)

    return Twice(environ, [])


def exc_after(environ, start_response):
    start_response("200 OK", TEXT)

    class Late(Closing):
        def __next__(self):
            if self.at:
                try:
                    raise ValueError("too late")
                except ValueError:
                    start_response("500 Late", TEXT, sys.exc_info())
            self.at += 1
            return b"begun"

    return Late(environ, [])


def no_content(environ, start_response):
    start_response("204 No Content", [])
    return Closing(environ, [])


def not_modified(environ, start_response):
    start_response("304 Not Modified", [])
    return Closing(environ, [b"too", b"much"])


def bad_field(environ, start_response):
    """Refused by the server after the app returned."""
    start_response("200 OK", [("X-Bad", "a\r\nX-Injected: 1")])
    return Closing(environ, [b"a", b"b"])


def wrong_type(environ, start_response):
    start_response("200 OK", TEXT)
    return Closing(environ, ["a str, not bytes"])


def too_long(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "3")])
    return Closing(environ, [b"abc", b"def", b"ghi"])


def too_short(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "30")])
    return Closing(environ, [b"abc"])


def endless(environ, start_response):
    """For a client that leaves in the middle."""
    start_response("200 OK", TEXT)
    return Closing(environ, [], endless=True)


def gated(environ, start_response):
    """Sends a chunk, waits, sends on: the client has left meanwhile."""
    start_response("200 OK", TEXT)

    class Gated(Closing):
        def __next__(self):
            self.at += 1
            if self.at == 1:
                return b"first"
            wait_gate(environ)
            return b"x" * 65536

    return Gated(environ, [])


def close_raises(environ, start_response):
    start_response("200 OK", TEXT)

    class Bad(Closing):
        def close(self):
            super().close()
            raise ValueError("close failed")

    return Bad(environ, [b"a", b"b"])


def generator(environ, start_response):
    """A generator's close() runs its finally."""
    start_response("200 OK", TEXT)

    def pieces():
        try:
            while True:
                yield b"x" * 4096
        finally:
            record("close " + query(environ)["id"])

    return pieces()


def write_then(environ, start_response):
    write = start_response("200 OK", TEXT)
    write(b"a")
    return Closing(environ, [b"b"])


CASES = {
    name: view
    for name, view in list(globals().items())
    if callable(view) and name not in ("query", "record", "wait_gate", "Closing", "ClosingList")
}
