"""A small benchmark: what one exchange costs the worker, without pipes. Run it by hand: python3 shim_py/tests/bench_exchange.py

It prints microseconds: the best of several rounds, which is what the code costs when nothing disturbs it."""

import io
import os
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from standpipe_shim import environ, frames, wsgi  # noqa: E402
from standpipe_shim.inbound import Solo  # noqa: E402
from standpipe_shim.runner import Worker  # noqa: E402
from standpipe_shim.packing import pack, unpack  # noqa: E402

VALUES = {
    "REQUEST_METHOD": b"GET",
    "SCRIPT_NAME": b"",
    "PATH_INFO": b"/",
    "QUERY_STRING": b"",
    "REQUEST_URI": b"/",
    "RAW_URI": b"/",
    "SERVER_PROTOCOL": b"HTTP/1.1",
    "SERVER_NAME": b"localhost",
    "SERVER_PORT": b"8000",
    "REMOTE_ADDR": b"127.0.0.1",
    "REMOTE_PORT": b"54321",
    "wsgi.url_scheme": b"http",
    "standpipe.attempt": b"1",
    "HTTP_HOST": b"localhost:8000",
    "HTTP_USER_AGENT": b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "HTTP_ACCEPT": b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "HTTP_ACCEPT_LANGUAGE": b"en-US,en;q=0.5",
    "HTTP_ACCEPT_ENCODING": b"gzip, deflate, br",
    "HTTP_COOKIE": b"session=0123456789abcdef0123456789abcdef",
    "HTTP_X_REQUEST_ID": b"01J9ZZZZZZZZZZZZZZZZZZZZZZ",
}
ROUNDS, TIMES = 9, 10000


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


class Bench:
    """Stands for a Worker: what it would write is thrown away."""

    def __init__(self, request, writer):
        self.app = hello
        boot = {"threads": 1, "environ": {"SERVER_SOFTWARE": b"standpipe"}}
        self.base = environ.base(boot, sys.stderr, None)
        self.streams = {}
        self.cancels = set()
        self._make = wsgi.Exchange
        self.put = writer.put
        self.inbound = Solo(frames.Reader(0, lambda fd, size: request), 0, self.streams, self._open)

    _open = Worker._open
    close = Worker.close


def best(run):
    found = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        run()
        found.append((time.perf_counter() - begin) / TIMES)
    return min(found) * 1e6


def main():
    head = pack(VALUES)
    payload = struct.pack(">I", len(head)) + head
    request = frames.frame(frames.REQUEST, frames.LAST, 1, payload)
    writer = frames.Writer(-1, os.getpid(), None, write=lambda fd, octets: len(octets))
    worker = Bench(request, writer)
    out = io.TextIOWrapper(io.BytesIO(), line_buffering=True)

    def decode():
        for _ in range(TIMES):
            environ.fill({}, payload)

    def generic():
        for _ in range(TIMES):
            unpack(head)

    def encode():
        for _ in range(TIMES):
            wsgi.encode_head("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])

    def app():
        for _ in range(TIMES):
            hello({}, lambda status, headers: None)

    def exchange():
        take = worker.inbound.take
        for _ in range(TIMES):
            wsgi.serve(worker, *take())
            out.flush()

    print("%s %s" % (sys.implementation.name, sys.version.split()[0]))
    print("environ of %d keys, narrow decoder  %6.2f us" % (len(VALUES), best(decode)))
    print("the same, generic decoder           %6.2f us" % best(generic))
    print("a Head of two fields                %6.2f us" % best(encode))
    print("the app                             %6.2f us" % best(app))
    print("one exchange, frame to frame        %6.2f us" % best(exchange))


if __name__ == "__main__":
    main()
