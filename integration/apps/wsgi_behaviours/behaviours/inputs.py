"""wsgi.input: PEP 3333, "Input and Error Streams"."""

import hashlib

from .common import answer_json, answer_text, query, record


def _report(environ, start_response, pieces):
    joined = b"".join(pieces)
    return answer_json(
        start_response,
        {
            "pieces": [p.decode("latin-1") for p in pieces] if len(joined) < 100000 else [],
            "count": len(pieces),
            "types": sorted({type(p).__name__ for p in pieces}),
            "length": len(joined),
            "sha256": hashlib.sha256(joined).hexdigest(),
            "content_length": environ.get("CONTENT_LENGTH"),
            "transfer_encoding": environ.get("HTTP_TRANSFER_ENCODING"),
            "expect": environ.get("HTTP_EXPECT"),
            "terminated": environ.get("wsgi.input_terminated"),
        },
    )


def _until_empty(call):
    pieces = []
    while True:
        piece = call()
        if not piece:
            return pieces
        pieces.append(piece)


def read(environ, start_response):
    stream = environ["wsgi.input"]
    pieces = [stream.read()]
    pieces.append(stream.read())
    return _report(environ, start_response, pieces)


def read_minus(environ, start_response):
    return _report(environ, start_response, [environ["wsgi.input"].read(-1)])


def read_size(environ, start_response):
    stream = environ["wsgi.input"]
    size = int(query(environ).get("size", "7"))
    return _report(environ, start_response, _until_empty(lambda: stream.read(size)))


def read_zero(environ, start_response):
    stream = environ["wsgi.input"]
    return _report(environ, start_response, [stream.read(0), stream.read(3), stream.read(0), stream.read()])


def read_length(environ, start_response):
    """As most frameworks do it: exactly CONTENT_LENGTH bytes."""
    return _report(environ, start_response, [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))])


def readline(environ, start_response):
    stream = environ["wsgi.input"]
    return _report(environ, start_response, _until_empty(stream.readline))


def readline_size(environ, start_response):
    stream = environ["wsgi.input"]
    size = int(query(environ).get("size", "4"))
    return _report(environ, start_response, _until_empty(lambda: stream.readline(size)))


def readlines(environ, start_response):
    return _report(environ, start_response, environ["wsgi.input"].readlines())


def readlines_hint(environ, start_response):
    stream = environ["wsgi.input"]
    first = stream.readlines(int(query(environ).get("size", "4")))
    return _report(environ, start_response, [b"".join(first)] + stream.readlines())


def iterate(environ, start_response):
    return _report(environ, start_response, list(environ["wsgi.input"]))


def mixed(environ, start_response):
    stream = environ["wsgi.input"]
    return _report(environ, start_response, [stream.read(2), stream.readline(), stream.readline(3), next(iter(stream)), stream.read()])


def short(environ, start_response):
    return _report(environ, start_response, [environ["wsgi.input"].read(10)])


def none(environ, start_response):
    return answer_text(start_response, "not read")


def late(environ, start_response):
    """Reads while the answer is under way."""
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    stream = environ["wsgi.input"]
    yield b"<"
    while True:
        piece = stream.read(50000)
        if not piece:
            break
        yield piece
    yield b">"


def counted(environ, start_response):
    """Records that Python saw the request at all."""
    record("counted " + query(environ).get("id", "?"))
    return answer_text(start_response, str(len(environ["wsgi.input"].read())))


CASES = {
    "read": read,
    "read_minus": read_minus,
    "read_size": read_size,
    "read_zero": read_zero,
    "read_length": read_length,
    "readline": readline,
    "readline_size": readline_size,
    "readlines": readlines,
    "readlines_hint": readlines_hint,
    "iterate": iterate,
    "mixed": mixed,
    "short": short,
    "none": none,
    "late": late,
    "counted": counted,
}
