#!/usr/bin/env python3
"""Figures of this release beside gunicorn's sync workers, in one run: `make figures`.

Cold start of the sample shop, resident memory, requests per second (with wrk, if it is there). Rounds are interleaved; the
medians and their ratio are what counts, absolute figures move with the machine. Loopback only, a few seconds a round.
A fourth argument, streams, gives that section alone."""

import os
import re
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench"))
import figures_preload
from machine import free_port
from usage import children, rss

BINARY, PYTHON, SHOP = (os.path.abspath(path) for path in sys.argv[1:4])
EVENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps", "gevented")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SIZE = int(os.environ.get("DOWNLOAD_MIB", "2048")) << 20
SECONDS = int(os.environ.get("SECONDS_PER_ROUND", "4"))

HELLO = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""
FLASK = """
from flask import Flask
app = Flask(__name__)
@app.get("/")
def index():
    return "hello"
"""


def command(server, app, port, workers=2, more=()):
    return _command(server, app, port, workers) + list(more)


def _command(server, app, port, workers):
    if server == "gunicorn":
        return [os.path.join(os.path.dirname(PYTHON), "gunicorn"), app, "-w", str(workers), "-b", "127.0.0.1:%d" % port]
    return [BINARY, "serve", app, "-w", str(workers), "-b", "127.0.0.1:%d" % port, "--python", PYTHON]


class Running:
    """A server under way; its first answer has come."""

    def __init__(self, server, app, dir, workers=2, more=()):
        self.port = free_port()
        self.path = b"/hello" if dir == EVENTS else b"/"
        began = time.perf_counter()
        self.process = subprocess.Popen(
            command(server, app, self.port, workers, more), cwd=dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not self._answers():
            if time.perf_counter() - began > 30:
                raise SystemExit("%s does not answer" % server)
            time.sleep(0.002)
        self.start = time.perf_counter() - began

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                s.settimeout(20)
                s.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % self.path)
                return s.recv(12).endswith(b"200")
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)


def bare(app, dir):
    """The resident memory of a python3 that has only imported the app."""
    code = "import %s, sys, time; print('x', flush=True); time.sleep(60)" % app.split(":")[0]
    p = subprocess.Popen([PYTHON, "-c", code], cwd=dir, stdout=subprocess.PIPE)
    p.stdout.readline()
    size = rss(p.pid)
    p.kill()
    p.wait()
    return size


def wrk(port):
    out = subprocess.run(["wrk", "-t1", "-c32", "-d%ds" % SECONDS, "http://127.0.0.1:%d/" % port], stdout=subprocess.PIPE, text=True).stdout
    if "Non-2xx" in out:
        raise SystemExit(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def spread(values, form="%.0f"):
    return "%s (%s to %s)" % tuple(form % v for v in (statistics.median(values), min(values), max(values)))


def beside(title, ours, theirs, form, smaller, kind="sync"):
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(
        "%-34s standpipe %-26s gunicorn %s %-26s ratio %.2f (%s is better)"
        % (title, spread(ours, form), kind, spread(theirs, form), ratio, "less" if smaller else "more")
    )


def events(title, more, clients, every):
    """How long an event of a stream takes from the app's yield to the client, all clients at once, one worker."""
    late = []
    with Running("standpipe", "app:app", EVENTS, 1, more) as r:
        held = {}
        poll = selectors.DefaultSelector()
        for _ in range(clients):
            s = socket.create_connection(("127.0.0.1", r.port), 20)
            s.sendall(b"GET /stamps?count=30&every=%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % every)
            poll.register(s, selectors.EVENT_READ)
            held[s] = b""
        while held:
            for key, _ in poll.select(30):
                s = key.fileobj
                got = s.recv(65536)
                now = time.time()
                text = held[s] + got
                late.extend((now - float(stamp)) * 1000 for stamp in re.findall(rb"data: (\d+\.\d+)\n", text))
                held[s] = text[text.rfind(b"\n") + 1 :]
                if not got:
                    poll.unregister(s)
                    s.close()
                    del held[s]
    if len(late) != 30 * clients:
        raise SystemExit("%s: %d of %d events came" % (title, len(late), 30 * clients))
    late.sort()
    print(
        "%-34s %d events: median %.1f ms, p99 %.1f ms, longest %.1f ms"
        % (title, len(late), statistics.median(late), late[len(late) * 99 // 100], late[-1])
    )


def streams(dir):
    events("10 streams, 1 worker x 16 threads", ["--threads", "16"], 10, b"0.1")
    if subprocess.call([PYTHON, "-c", "import gevent"], stderr=subprocess.DEVNULL):
        print("no gevent here: no figures of it")
        return
    events("500 streams, 1 gevent worker", ["--gevent", "600"], 500, b"0.5")
    if not shutil.which("wrk"):
        return
    rates = {"standpipe": [], "gunicorn": []}
    gevent = ["-k", "gevent"]
    with Running("standpipe", "hello:app", dir, 2, gevent) as ours, Running("gunicorn", "hello:app", dir, 2, gevent) as theirs:
        for r in ours, theirs:
            wrk(r.port)  # warm
        for _ in range(ROUNDS):
            rates["standpipe"].append(wrk(ours.port))
            rates["gunicorn"].append(wrk(theirs.port))
    beside("requests/s, 2 gevent workers", rates["standpipe"], rates["gunicorn"], "%.0f", False, "gevent")


SLOW = """
import os
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    if environ["PATH_INFO"] == "/big":
        return (os.urandom(1 << 16) for _ in range(80))
    return [b"hello"]
"""


class Slow:
    """200 uploads at 1 byte/s and 100 readers at 10 KB/s of 5 MB each, moved by one thread, ten times a second."""

    def __init__(self, port):
        self._end = threading.Event()
        self._up, self._down = [], []
        for _ in range(100):
            self._down.append(self._connect(port, b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n"))
        for _ in range(200):
            self._up.append(self._connect(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"))
        self._thread = threading.Thread(target=self._move)
        self._thread.start()

    def _connect(self, port, payload):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        s.connect(("127.0.0.1", port))
        s.sendall(payload)
        s.setblocking(False)
        return s

    def _move(self):
        turn = 0
        while not self._end.wait(0.1):
            for s in self._up[turn % 10 :: 10]:
                s.send(b"x")
            for s in self._down:
                try:
                    s.recv(1024)
                except BlockingIOError:
                    pass
            turn += 1

    def close(self):
        self._end.set()
        self._thread.join()
        for s in self._up + self._down:
            s.close()


def cpu(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def latencies(port, seconds):
    """Of a GET on a kept connection, some hundred a second; milliseconds, sorted."""
    took = []
    with socket.create_connection(("127.0.0.1", port)) as s:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            began = time.perf_counter()
            s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            if not s.recv(4096).startswith(b"HTTP/1.1 200"):
                raise SystemExit("a GET beside slow clients was not answered 200")
            took.append((time.perf_counter() - began) * 1000)
            time.sleep(0.005)
    return sorted(took)


def slow_clients(dir):
    """One worker, slow clients on both sides, and a normal GET."""
    with open(os.path.join(dir, "slow.py"), "w") as f:
        f.write(SLOW)
    with Running("standpipe", "slow:app", dir, 1) as r:
        pid = r.process.pid
        worker = children(pid)[0]
        alone = latencies(r.port, 2)
        before = rss(pid) + rss(worker)
        slow = Slow(r.port)
        try:
            worked = -1
            while worked != cpu(worker):  # until the worker has made all answers
                worked = cpu(worker)
                time.sleep(2)
            worked, began = cpu(worker), time.perf_counter()
            time.sleep(3)
            idle = (cpu(worker) - worked) / (time.perf_counter() - began)
            beside = latencies(r.port, 10)
            grown = rss(pid) + rss(worker) - before
        finally:
            slow.close()
    for name, took in ("a GET alone, ms", alone), ("a GET beside slow clients, ms", beside):
        print(
            "%-34s median %.2f, p99 %.2f, max %.2f (%d requests)"
            % (name, statistics.median(took), took[int(len(took) * 0.99)], took[-1], len(took))
        )
    print("%-34s memory %+.1f MiB, the worker's processor %.1f %% of the time" % ("200 slow uploads, 100 slow readers", grown, idle * 100))


FILES = """
def app(environ, start_response):
    if environ["PATH_INFO"] == "/":
        start_response("200 OK", [])
        return [b"ok"]
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return environ["wsgi.file_wrapper"](open("large", "rb"), 65536)
"""
NGINX = """
daemon off; master_process off; pid %(dir)s/nginx.pid; error_log /dev/null;
events { worker_connections 64; }
http { access_log off; sendfile on; sendfile_max_chunk 4m; client_body_temp_path %(dir)s/b; proxy_temp_path %(dir)s/p; fastcgi_temp_path %(dir)s/f;
  uwsgi_temp_path %(dir)s/u; scgi_temp_path %(dir)s/s; server { listen 127.0.0.1:%(port)d; root %(dir)s; location = / { return 200 ok; } } }
"""


def download(port, watch=()):
    """One GET of the large file: bytes per second, and the largest resident memory of watch meanwhile, in MiB."""
    peak, count, buffer = 0, 0, memoryview(bytearray(1 << 20))
    with socket.create_connection(("127.0.0.1", port)) as s:
        began = time.perf_counter()
        s.sendall(b"GET /large HTTP/1.0\r\nHost: localhost\r\n\r\n")
        looked = began
        while True:
            n = s.recv_into(buffer)
            if not n:
                break
            count += n
            if watch and time.perf_counter() - looked > 0.05:
                peak, looked = max(peak, sum(rss(pid) for pid in watch)), time.perf_counter()
        took = time.perf_counter() - began
    if count < SIZE:
        raise SystemExit("%d bytes of %d" % (count, SIZE))
    return count / took / (1 << 20), peak


def downloads(dir):
    """wsgi.file_wrapper beside nginx's sendfile, on the same file."""
    if not shutil.which("nginx"):
        print("no nginx here: no downloads")
        return
    with open(os.path.join(dir, "files.py"), "w") as f:
        f.write(FILES)
    with open(os.path.join(dir, "large"), "wb") as f:
        f.truncate(SIZE)
    port, conf = free_port(), os.path.join(dir, "nginx.conf")
    with open(conf, "w") as f:
        f.write(NGINX % {"dir": dir, "port": port})
    os.chmod(dir, 0o755)
    nginx = subprocess.Popen(["nginx", "-p", dir, "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with Running("standpipe", "files:app", dir, 1) as ours:
            download(ours.port)
            download(port)
            watch = [ours.process.pid] + children(ours.process.pid)
            before, peak = sum(rss(pid) for pid in watch), 0
            rates = {"standpipe": [], "nginx": []}
            for _ in range(ROUNDS):
                rates["standpipe"].append(download(ours.port)[0])
                rates["nginx"].append(download(port)[0])
            peak = download(ours.port, watch)[1]
    finally:
        nginx.terminate()
        nginx.wait()
    print(
        "%-34s standpipe %s, nginx %s, ratio %.2f (more is better); %+.1f MiB of memory"
        % (
            "download of %d MiB, MiB/s" % (SIZE >> 20),
            spread(rates["standpipe"]),
            spread(rates["nginx"]),
            statistics.median(rates["standpipe"]) / statistics.median(rates["nginx"]),
            peak - before,
        )
    )


# Each can be run alone: figures.py BINARY PYTHON SHOP NAME...
SECTIONS = {
    "slow": slow_clients,
    "downloads": downloads,
    "streams": streams,
    "preload": lambda dir: figures_preload.section(command, spread),
}


def main():
    versions = [BINARY, "version"], [os.path.join(os.path.dirname(PYTHON), "gunicorn"), "--version"], [PYTHON, "--version"]
    print(" | ".join(subprocess.run(asked, stdout=subprocess.PIPE, text=True).stdout.strip() for asked in versions))
    with tempfile.TemporaryDirectory() as dir:
        for name, text in ("hello.py", HELLO), ("fl.py", FLASK):
            with open(os.path.join(dir, name), "w") as f:
                f.write(text)
        if sys.argv[4:]:
            for name in sys.argv[4:]:
                SECTIONS[name](dir)
            return
        starts = {"standpipe": [], "gunicorn": []}
        for _ in range(2 * ROUNDS + 1):
            for server in starts:
                with Running(server, "wsgi:app", SHOP) as r:
                    starts[server].append(r.start * 1000)
        beside("cold start of the shop, ms", starts["standpipe"], starts["gunicorn"], "%.0f", True)
        for app in "hello:app", "fl:app":
            with Running("standpipe", app, dir) as r:
                time.sleep(1)
                workers = [rss(pid) for pid in children(r.process.pid)]
                plain = bare(app, dir)
                print(
                    "%-34s Go process %.1f MiB, worker %.1f MiB, bare python3 with the app %.1f MiB: %+.1f MiB"
                    % ("memory, " + app, rss(r.process.pid), statistics.median(workers), plain, statistics.median(workers) - plain)
                )
        for section in SECTIONS.values():
            section(dir)
        if not shutil.which("wrk"):
            print("no wrk here: no requests per second")
            return
        for app in "hello:app", "fl:app":
            rates = {"standpipe": [], "gunicorn": []}
            with Running("standpipe", app, dir) as ours, Running("gunicorn", app, dir) as theirs:
                for r in ours, theirs:
                    wrk(r.port)  # warm
                for _ in range(ROUNDS):
                    rates["standpipe"].append(wrk(ours.port))
                    rates["gunicorn"].append(wrk(theirs.port))
            beside("requests/s, 2 workers, " + app, rates["standpipe"], rates["gunicorn"], "%.0f", False)


main()
