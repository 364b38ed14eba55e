#!/usr/bin/env python3
"""Figures of this release beside gunicorn's sync workers, in one run: `make figures`.

Cold start of the sample shop, resident memory, requests per second (with wrk, if it is there). Rounds are interleaved; the
medians and their ratio are what counts, absolute figures move with the machine. Loopback only, a few seconds a round."""

import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BINARY, PYTHON, SHOP = (os.path.abspath(path) for path in sys.argv[1:4])
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


def command(server, app, port, workers=2):
    if server == "gunicorn":
        return [os.path.join(os.path.dirname(PYTHON), "gunicorn"), app, "-w", str(workers), "-b", "127.0.0.1:%d" % port]
    return [BINARY, "serve", app, "-w", str(workers), "-b", "127.0.0.1:%d" % port, "--python", PYTHON]


class Running:
    """A server under way; its first answer has come."""

    def __init__(self, server, app, dir, workers=2):
        self.port = free_port()
        began = time.perf_counter()
        self.process = subprocess.Popen(
            command(server, app, self.port, workers), cwd=dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
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
                s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
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


def pss(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1)) / 1024


def boots(lines):
    """The milliseconds of each worker's boot, from records of the level debug."""
    took = [re.search(r'"took":"([\d.]+)(ms|s)"', line) for line in lines if '"worker_ready"' in line]
    return [float(m.group(1)) * (1000 if m.group(2) == "s" else 1) for m in took]


def preload():
    """Eight workers of the Django site of the tests, each with and without --preload."""
    site = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps", "django_site")
    sums = {}
    for flags in [], ["--preload"]:
        with tempfile.TemporaryFile("w+") as log:
            port = free_port()
            argv = command("standpipe", "mysite.wsgi", port, 8) + ["--log-format", "json", "--log-level", "debug"] + flags
            server = subprocess.Popen(argv, cwd=site, stdout=subprocess.DEVNULL, stderr=log)
            try:
                for _ in range(3000):
                    time.sleep(0.01)
                    log.seek(0)
                    lines = log.readlines()
                    if len(boots(lines)) == 8:
                        break
                else:
                    raise SystemExit("the Django site does not start")
                for _ in range(40):
                    with socket.create_connection(("127.0.0.1", port), 5) as s:
                        s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                        while s.recv(65536):
                            pass
                sums[bool(flags)] = sum(pss(pid) for pid in children(server.pid))  # the template is one of them
                # Two boot at a time; the first two of a template's wait for its import.
                print("%-34s PSS of 8 workers %.0f MiB, a worker's boot %s ms"
                      % ("Django%s" % (" --preload" if flags else ""), sums[bool(flags)], spread(boots(lines)[2:], "%.0f")))
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(40)
    print("%-34s %.0f %% less memory" % ("", 100 - 100 * sums[True] / sums[False]))


def wrk(port):
    out = subprocess.run(
        ["wrk", "-t1", "-c32", "-d%ds" % SECONDS, "http://127.0.0.1:%d/" % port], stdout=subprocess.PIPE, universal_newlines=True
    ).stdout
    if "Non-2xx" in out:
        raise SystemExit(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def spread(values, form="%.0f"):
    return "%s (%s to %s)" % tuple(form % v for v in (statistics.median(values), min(values), max(values)))


def beside(title, ours, theirs, form, smaller):
    ratio = statistics.median(ours) / statistics.median(theirs)
    print("%-34s standpipe %-26s gunicorn sync %-26s ratio %.2f (%s is better)"
          % (title, spread(ours, form), spread(theirs, form), ratio, "less" if smaller else "more"))


def main():
    version = subprocess.run([os.path.join(os.path.dirname(PYTHON), "gunicorn"), "--version"], stdout=subprocess.PIPE, universal_newlines=True)
    print(subprocess.run([BINARY, "version"], stdout=subprocess.PIPE, universal_newlines=True).stdout.strip(), "|", version.stdout.strip(),
          "|", subprocess.run([PYTHON, "--version"], stdout=subprocess.PIPE, universal_newlines=True).stdout.strip())
    with tempfile.TemporaryDirectory() as dir:
        for name, text in ("hello.py", HELLO), ("fl.py", FLASK):
            with open(os.path.join(dir, name), "w") as f:
                f.write(text)
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
        preload()
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
