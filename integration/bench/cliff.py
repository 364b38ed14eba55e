"""What work that computes in the Go process costs others: a hello's latency alone, and beside clients that fetch a page of 1.5 MB under `--compress`
without pause. Prints the figures and their ratios. Linux, wrk. No test, no race: standpipe alone, or beside another build of it (--against)."""

import argparse
import os
import random
import re
import socket
import statistics
import sys
import time

import install
import load
import machine
import process
import scaling

CLIENTS = 0, 1, 2
CONF = """
[[app]]
name = "hello"
module = "hello:app"
dir = "."
workers = 2

[[app]]
name = "page"
module = "page:app"
dir = "."
mount = "/page"
workers = 2
"""
PAGE = """
with open("page.html", "rb") as f:
    PAGE = f.read()

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(PAGE)))])
    return [PAGE]
"""


def page(size=1500000):
    """A table of words, which gzip makes about a third of."""
    some = random.Random(1)
    words = ["".join(some.choices("abcdefghijklmnopqrstuvwxyz", k=some.randint(2, 11))) for _ in range(4000)]
    rows, length = [], 0
    while length < size:
        rows.append("<tr><td>%s</td></tr>\n" % " ".join(some.choices(words, k=8)))
        length += len(rows[-1])
    return "".join(rows)


def fetch(port, coding):
    """One client: the page again and again, on one connection. Prints a line for each. It takes hardly any time to itself."""
    c = socket.create_connection(("127.0.0.1", port))
    request = b"GET /page/ HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: %s\r\n\r\n" % coding.encode()
    block = bytearray(1 << 18)
    while True:
        c.sendall(request)
        head, end = b"", b""
        while not end.endswith(b"\r\n0\r\n\r\n"):
            n = c.recv_into(block)
            if not n:
                raise SystemExit("cliff: the server has closed the connection")
            end = (end + bytes(block[max(0, n - 16) : n]))[-16:]
            if len(head) < 1024:
                head += bytes(block[: min(n, 1024)])
        if not re.search(rb"(?i)\r\ncontent-encoding: %s\r\n" % coding.encode(), head):
            raise SystemExit("cliff: an answer that is not compressed: %r" % head[:300])
        os.write(1, b".")


class Fetcher:
    """A client in a process of its own."""

    def __init__(self, port, coding, dir, name):
        self.counted = os.path.join(dir, name)
        self.process = process.Process(
            [sys.executable, os.path.abspath(__file__), "--fetch", str(port), coding], dir, dict(os.environ), self.counted
        )
        while not self.pages():
            if not self.process.alive():
                raise SystemExit(self.process.tail())
            time.sleep(0.01)

    def pages(self):
        return os.path.getsize(self.counted)

    def stop(self):
        if not self.process.alive():
            raise SystemExit(self.process.tail())
        self.process.stop()


def measure(options, binary, coding):
    """One start: {clients: {p50, p99 (ms), rate (hellos/s), pages (pages/s of all clients)}}."""
    options.binary = binary
    found = {}
    files = {"hello.py": scaling.SMALL, "page.py": PAGE, "page.html": options.page, "standpipe.toml": CONF}
    with scaling.running(options, files, ["-c", "standpipe.toml", "--compress"]) as s:
        s.ready()
        load.wrk(s.port, 1, options.connections)
        for clients in CLIENTS:
            fetchers = [Fetcher(s.port, coding, s.dir, "client%d" % i) for i in range(clients)]
            before, began = sum(f.pages() for f in fetchers), time.perf_counter()
            got = load.wrk(s.port, options.seconds, options.connections)
            took = time.perf_counter() - began
            got["pages"] = (sum(f.pages() for f in fetchers) - before) / took
            for f in fetchers:
                f.stop()
                os.remove(f.counted)
            found[clients] = got
    return found


def table(rounds):
    """Lines of Markdown: medians of rounds, and of each round's ratio to the hello alone."""
    lines = [
        "| beside | p50, ms | times alone | p99, ms | times alone | hellos/s | pages/s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for clients in CLIENTS:
        median = {key: statistics.median(r[clients][key] for r in rounds) for key in ("p50", "p99", "rate", "pages")}
        ratio = {key: statistics.median(r[clients][key] / r[0][key] for r in rounds) for key in ("p50", "p99")}
        row = median["p50"], ratio["p50"], median["p99"], ratio["p99"], median["rate"], median["pages"]
        lines.append("| %d clients | %.2f | %.1f | %.2f | %.1f | %.0f | %.0f |" % (clients, *row))
    return lines


def main():
    p = argparse.ArgumentParser(prog="cliff", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", default=os.path.join(machine.REPOSITORY, "bin", "standpipe"))
    p.add_argument("--against", default="", help="another build, in turn with the first")
    p.add_argument("--python", default=None, help="of the workers (default: the distribution's)")
    p.add_argument("--codings", default="gzip", help="of the page: gzip,zstd,br")
    p.add_argument("--rounds", type=int, default=5, help="starts of each build; the median counts")
    p.add_argument("--seconds", type=int, default=3, help="of load in each part of a round")
    p.add_argument("--connections", type=int, default=2, help="on which hellos are asked for")
    options = p.parse_args()
    options.python = options.python or install.interpreter()
    options.page = page()
    if not install.which("wrk"):
        raise SystemExit("cliff: wrk is not installed")
    runs = {(coding, b): [] for coding in options.codings.split(",") for b in (options.binary, options.against) if b}
    try:
        for _ in range(options.rounds):
            for (coding, binary), rounds in runs.items():
                rounds.append(measure(options, os.path.abspath(binary), coding))
    finally:
        process.stop_all()
    print("%d cores, load %.1f, %d rounds of %d s" % (len(os.sched_getaffinity(0)), os.getloadavg()[0], options.rounds, options.seconds))
    for (coding, binary), rounds in runs.items():
        print("\n%s, %s\n" % (binary, coding))
        print("\n".join(table(rounds)))


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["--fetch"]:
            fetch(int(sys.argv[2]), sys.argv[3])
        main()
    except KeyboardInterrupt:
        raise SystemExit(130)
