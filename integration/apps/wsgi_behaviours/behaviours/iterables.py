"""What an app may return as its body, and what it may not."""

import io
import os
import tempfile

from .common import answer_text, query, record, wait_gate

TEXT = [("Content-Type", "text/plain")]


def as_list(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"a", b"b", b"c"]


def single(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"single"]


def as_tuple(environ, start_response):
    start_response("200 OK", TEXT)
    return (b"a", b"b")


def generator(environ, start_response):
    start_response("200 OK", TEXT)
    return (piece for piece in [b"a", b"b", b"c"])


class _One:
    """len() is 1, so its one chunk is the whole body (PEP 3333, "Handling the Content-Length Header")."""

    def __len__(self):
        return 1

    def __iter__(self):
        return iter([b"only one"])


def len_one(environ, start_response):
    start_response("200 OK", TEXT)
    return _One()


class _GetItem:
    """The old sequence protocol is an iterable too."""

    def __getitem__(self, i):
        return [b"g", b"i"][i]


def getitem(environ, start_response):
    start_response("200 OK", TEXT)
    return _GetItem()


def empty_list(environ, start_response):
    start_response("200 OK", TEXT)
    return []


def empty_generator(environ, start_response):
    start_response("200 OK", TEXT)
    return iter(())


def empty_chunks(environ, start_response):
    start_response("200 OK", TEXT)
    return iter([b"", b"a", b"", b"", b"b", b""])


def list_empty_chunks(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"", b"a", b"", b"b"]


def as_bytes(environ, start_response):
    """bytes is an iterable of int: not a body."""
    start_response("200 OK", TEXT)
    return b"bytes"


def as_str(environ, start_response):
    start_response("200 OK", TEXT)
    return "text"


def str_in_list(environ, start_response):
    start_response("200 OK", TEXT)
    return ["text"]


def str_in_generator(environ, start_response):
    start_response("200 OK", TEXT)
    yield "text"


def as_none(environ, start_response):
    start_response("200 OK", TEXT)


def as_int(environ, start_response):
    start_response("200 OK", TEXT)
    return 42


def raise_before(environ, start_response):
    start_response("200 OK", TEXT)
    raise ValueError("before the first chunk")
    yield b"never"


def raise_after(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"first chunk"
    raise ValueError("after the first chunk")


def raise_after_length(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "100")])
    yield b"first chunk"
    raise ValueError("after the first chunk")


def pattern(size):
    """Bytes that tell their place: a lost or doubled piece changes the digest."""
    return b"".join(b"%015d\n" % i for i in range(size // 16))


def big_one(environ, start_response):
    body = pattern(5 << 20)
    start_response("200 OK", TEXT + [("Content-Length", str(len(body)))])
    return [body]


def big_list(environ, start_response):
    body = pattern(5 << 20)
    start_response("200 OK", TEXT)
    return [body[i : i + 1000003] for i in range(0, len(body), 1000003)]


def big_generator(environ, start_response):
    body = pattern(5 << 20)
    start_response("200 OK", TEXT)
    step = int(query(environ).get("step", "70001"))
    return (body[i : i + step] for i in range(0, len(body), step))


def big_write(environ, start_response):
    body = pattern(5 << 20)
    write = start_response("200 OK", TEXT)
    for i in range(0, len(body), 100000):
        write(body[i : i + 100000])
    return []


def gate(environ, start_response):
    """The second chunk is not made before the client has the first and opens the gate."""
    start_response("200 OK", TEXT)
    yield b"one\n"
    wait_gate(environ)
    yield b"two\n"


def gate_write(environ, start_response):
    write = start_response("200 OK", TEXT)
    write(b"one\n")
    wait_gate(environ)
    write(b"two\n")
    return []


def gate_length(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "8")])
    yield b"one\n"
    wait_gate(environ)
    yield b"two\n"


class _Noted(io.BytesIO):
    note = ""

    def close(self):
        if self.note:
            record(self.note)
            self.note = ""
        super().close()


def wrapper_memory(environ, start_response):
    stream = _Noted(b"0123456789" * 1000)
    stream.note = "close " + query(environ)["id"]
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](stream, 512)


def _file(size):
    stream = tempfile.TemporaryFile()
    stream.write(pattern(size))
    stream.seek(0)
    return stream


def wrapper_file(environ, start_response):
    stream = _file(1 << 20)
    start_response("200 OK", TEXT + [("Content-Length", str(1 << 20))])
    return environ["wsgi.file_wrapper"](stream)


def wrapper_offset(environ, start_response):
    """Sends from the file's position on."""
    stream = _file(1 << 16)
    stream.seek(1600)
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](stream, 8192)


def wrapper_pipe(environ, start_response):
    r, w = os.pipe()
    os.write(w, b"through a pipe")
    os.close(w)
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](os.fdopen(r, "rb"))


class _ReadOnly:
    """Has read() and nothing else: no close, no fileno."""

    def __init__(self):
        self.left = [b"read", b" only"]

    def read(self, size=-1):
        return self.left.pop(0) if self.left else b""


def wrapper_read_only(environ, start_response):
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](_ReadOnly())


def wrapper_type(environ, start_response):
    """isinstance with the wrapper must work for a class; a function is allowed as well."""
    return answer_text(start_response, "callable" if callable(environ["wsgi.file_wrapper"]) else "not callable")


CASES = {
    name: view
    for name, view in list(globals().items())
    if callable(view) and not name.startswith("_") and name not in ("answer_text", "query", "record", "wait_gate", "pattern")
}
