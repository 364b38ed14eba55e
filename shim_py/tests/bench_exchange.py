"""Micro-benchmarks of the shim, in the format that benchstat reads: make bench-shim >old; make bench-shim >new; benchstat old new

    ShimDecode       the environ of a browser's GET, and ShimDecodeOthers, of one with three fields that have no bit
    ShimEncode       a Head of six fields, of which one is new each time
    ShimHello, ShimFlask, ShimDjango, ShimGenerator
                     one exchange, from the frame that was read to the bytes that would be written; the app is next to nothing, its
                     result of the type that the framework returns (the framework's own where this Python has it)
    ShimPipes1, ShimPipes8
                     CPU (user and system) that a worker spends on a hello over real pipes, with 1 and with 8 requests at hand

COUNT is how often each is measured (10), PYTHON which interpreter measures. Nothing here is a test."""

import os
import platform
import struct
import sys
import tempfile
import time

import peer
from standpipe_shim.core import environ, frames, plain, serve
from standpipe_shim.core.head import encode_head
from standpipe_shim.core.inbound import Inbound
from standpipe_shim.core.worker import Worker
from standpipe_shim.frameworks import results

COUNT = int(os.environ.get("COUNT", "10"))
SECONDS = 0.25  # of one measurement, about
VALUES = peer.environ(
    HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    HTTP_ACCEPT="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    HTTP_ACCEPT_LANGUAGE="en-US,en;q=0.5",
    HTTP_ACCEPT_ENCODING="gzip, deflate, br",
    HTTP_COOKIE="session=0123456789abcdef0123456789abcdef",
    HTTP_X_REQUEST_ID="01J9ZZZZZZZZZZZZZZZZZZZZZZ",
    **{"standpipe.request_id": "01J9ZZZZZZZZZZZZZZZZZZZZZZ"},
)
OTHERS = {
    "HTTP_TRACEPARENT": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "HTTP_CDN_LOOP": b"cdn",
    "standpipe.attempt": b"1",
}
BOOT = {"threads": 1, "environ": {"SERVER_SOFTWARE": b"standpipe", "standpipe.app": b"shop", "standpipe.worker": b"0"}}
FIELDS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("X-Frame-Options", "DENY"),
    ("Vary", "Cookie"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
]
TEXT = [("Content-Type", "text/plain"), ("Content-Length", "5")]


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def generator(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"hello"


def flask():
    try:
        from werkzeug.wrappers import Response
    except ImportError:
        return None

    def app(environ, start_response):
        start_response("200 OK", TEXT)
        return response.get_app_iter(environ)

    response = Response(b"hello")
    return app


def django():
    try:
        from django.conf import settings
        from django.http import HttpResponse
    except ImportError:
        return None
    settings.configure()

    def app(environ, start_response):
        start_response("200 OK", TEXT)
        return response

    response = HttpResponse(b"hello")
    return app


class Signals:
    stopping = False


class Pipes:
    requests = -1
    pid = os.getpid()


class Bench:
    """A worker without pipes: it reads one request again and again, and what it would write is thrown away."""

    def __init__(self, app):
        self.request = peer.request_frame(1, VALUES)
        self.left = 0
        self.worker = worker = Worker(Pipes(), Signals())
        worker.attach(frames.Reader(-1, self.read), frames.Writer(-1, Pipes.pid, None, write=lambda fd, raw: len(raw)))
        worker.app = app
        worker.is_quick = results.is_quick
        worker.environs = environ.Environs(environ.base(BOOT, sys.stderr, serve.FileWrapper), 30000)
        worker.inbound = Inbound(worker)

    def read(self, fd, size):
        self.left -= 1
        return self.request if self.left >= 0 else b""

    def run(self, times):
        self.left = times
        begin = time.process_time()
        while self.left > 0:  # a request that is not plain ends it
            plain.serve_plain(self.worker, Lines)
        return time.process_time() - begin


class Lines:
    due = False


def decode(values):
    payload = peer.request_payload(values)
    make = environ.Environs(environ.base(BOOT, sys.stderr, serve.FileWrapper), 30000).make

    def run(times):
        begin = time.process_time()
        for _ in range(times):
            make(payload)
        return time.process_time() - begin

    return run


def encode(times):
    begin = time.process_time()
    for n in range(times):
        encode_head("200 OK", FIELDS + [("Content-Length", str(n))])
    return time.process_time() - begin


class Piped:
    """A real worker. Its CPU is what the kernel says it has used, to the nanosecond."""

    def __init__(self, depth):
        self.depth = depth
        self.folder = tempfile.TemporaryDirectory()
        with open(os.path.join(self.folder.name, "web.py"), "w") as out:
            out.write('def app(environ, start_response):\n    start_response("200 OK", %r)\n    return [b"hello"]\n' % TEXT)
        self.peer = peer.Peer(self.folder.name, "web:app", environ=BOOT["environ"], timeout_ms=30000, tag="0123456789abcdef").start()
        self.request = peer.request_frame(1, VALUES)
        self.stream = 0
        self.peer.send(self.request)
        self.size = 12 + len(self.peer.frame()[3])

    def cpu(self):
        with open("/proc/%d/schedstat" % self.peer.pid) as source:
            return int(source.read().split()[0]) / 1e9

    def run(self, times):
        begin = self.cpu()
        for _ in range(max(1, times // self.depth)):
            sent = []
            for _ in range(self.depth):
                self.stream += 1
                sent.append(self.request[:4] + struct.pack(">I", self.stream) + self.request[8:])
            self.peer.send(b"".join(sent))
            self.peer.read(self.size * self.depth)
        return self.cpu() - begin

    def close(self):
        self.peer.__exit__()
        self.folder.cleanup()


def measure(name, run):
    run(1000)
    times = max(1000, int(1000 * SECONDS / max(run(1000), 1e-6)))
    for _ in range(COUNT):
        print("Benchmark%s-1 \t%8d\t%12.1f ns/op" % (name, times, run(times) / times * 1e9), flush=True)


def main():
    print("goos: %s\ngoarch: %s\npkg: %s-%s" % (sys.platform, platform.machine(), sys.implementation.name, platform.python_version()))
    measure("ShimDecode", decode(VALUES))
    measure("ShimDecodeOthers", decode(dict(VALUES, **OTHERS)))
    measure("ShimEncode", encode)
    for name, app in (("Hello", hello), ("Flask", flask()), ("Django", django()), ("Generator", generator)):
        if app is not None:
            measure("Shim" + name, Bench(app).run)
    if os.path.exists("/proc/self/schedstat"):
        for depth in (1, 8):
            piped = Piped(depth)
            measure("ShimPipes%d" % depth, piped.run)
            piped.close()


if __name__ == "__main__":
    main()
