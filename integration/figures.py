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
import time

BINARY, PYTHON, SHOP = (os.path.abspath(path) for path in sys.argv[1:4])
EVENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps", "gevented")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
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


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


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


def rss(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], stdout=subprocess.PIPE, universal_newlines=True)
    return [int(line) for line in out.stdout.split()]


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
    out = subprocess.run(
        ["wrk", "-t1", "-c32", "-d%ds" % SECONDS, "http://127.0.0.1:%d/" % port], stdout=subprocess.PIPE, universal_newlines=True
    ).stdout
    if "Non-2xx" in out:
        raise SystemExit(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def spread(values, form="%.0f"):
    return "%s (%s to %s)" % tuple(form % v for v in (statistics.median(values), min(values), max(values)))


def beside(title, ours, theirs, form, smaller, kind="sync"):
    ratio = statistics.median(ours) / statistics.median(theirs)
    print("%-34s standpipe %-26s gunicorn %s %-26s ratio %.2f (%s is better)"
          % (title, spread(ours, form), kind, spread(theirs, form), ratio, "less" if smaller else "more"))


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
    print("%-34s %d events: median %.1f ms, p99 %.1f ms, longest %.1f ms"
          % (title, len(late), statistics.median(late), late[len(late) * 99 // 100], late[-1]))


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


def main():
    version = subprocess.run([os.path.join(os.path.dirname(PYTHON), "gunicorn"), "--version"], stdout=subprocess.PIPE, universal_newlines=True)
    print(subprocess.run([BINARY, "version"], stdout=subprocess.PIPE, universal_newlines=True).stdout.strip(), "|", version.stdout.strip(),
          "|", subprocess.run([PYTHON, "--version"], stdout=subprocess.PIPE, universal_newlines=True).stdout.strip())
    with tempfile.TemporaryDirectory() as dir:
        for name, text in ("hello.py", HELLO), ("fl.py", FLASK):
            with open(os.path.join(dir, name), "w") as f:
                f.write(text)
        if "streams" in sys.argv[4:]:
            streams(dir)
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
                print("%-34s Go process %.1f MiB, worker %.1f MiB, bare python3 with the app %.1f MiB: %+.1f MiB"
                      % ("memory, " + app, rss(r.process.pid), statistics.median(workers), plain, statistics.median(workers) - plain))
        streams(dir)
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
