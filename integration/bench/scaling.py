"""What one request, connection, app and worker cost, by part: `make scaling`. Prints JSON, and puts the figures into docs/measurements/scaling.md
between its two marks. Linux, wrk, taskset, two cores; a minute and a half on a machine that has nothing else to do. No test, no race: standpipe alone."""

import argparse
import contextlib
import http.client
import json
import os
import re
import resource
import shutil
import statistics
import tempfile
import time

import crowd
import install
import load
import machine
import process
import usage

PAGE = os.path.join(machine.REPOSITORY, "docs", "measurements", "scaling.md")
MARKS = "<!-- figures -->", "<!-- /figures -->"
READY = 60  # seconds for the first answer
GATE = """
import os, time

def app(environ, start_response):
    while os.path.exists("shut"):
        time.sleep(0.05)
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""
SMALL = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""


class Standpipe:
    """One under way in a folder of its own; its log is emptied at will."""

    def __init__(self, options, dir, arguments, cores=None):
        self.port = machine.free_port()
        argv = ["taskset", "-c", cores] if cores else []
        argv += [
            options.binary,
            "serve",
            *arguments,
            "--python",
            options.python,
            "-b",
            "127.0.0.1:%d" % self.port,
            "--runtime-dir",
            os.path.join(dir, "runtime"),
            "--log-format",
            "json",
            "--access-log-format",
            "combined",
        ]
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": dir, "TMPDIR": dir, "LANG": "C.UTF-8"}
        self.began = time.perf_counter()
        self.process = process.Process(argv, dir, env, os.path.join(dir, "output.log"))
        self.pid = self.process.pid  # taskset becomes what it starts

    def ready(self, path="/readyz"):
        """Seconds from the start to the first 200 at path: /readyz wants all apps."""
        while time.perf_counter() - self.began < READY:
            if self.ask(path) == 200:
                return time.perf_counter() - self.began
            if not self.process.alive():
                raise SystemExit("scaling: it ended: " + self.process.tail(2000))
            time.sleep(0.005)
        raise SystemExit("scaling: not ready: " + self.process.tail(2000))

    def ask(self, path):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            c.request("GET", path)
            return c.getresponse().status
        except OSError:
            return 0
        finally:
            c.close()

    def workers(self):
        return usage.children(self.pid)

    def rss(self):
        return usage.rss(self.pid)


@contextlib.contextmanager
def running(options, files, arguments, cores=None):
    dir = tempfile.mkdtemp(prefix="scaling-")
    for name, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(dir, name)), exist_ok=True)
        with open(os.path.join(dir, name), "w") as f:
            f.write(text)
    s = Standpipe(options, dir, arguments, cores)
    s.dir = dir
    try:
        yield s
    finally:
        s.process.stop(patience=30)
        shutil.rmtree(dir, ignore_errors=True)


VIEW = """
def app(environ, start_response):
    n = 0
    for i in range(100000):
        n += i
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""


def hello(options, cores, workers, generator, headers=(), text=SMALL):
    """One closed loop: {rate, go, python, generator: us of processor time for a request, used: cores that the server had}."""
    with running(options, {"hello.py": text}, ["hello:app", "-w", str(workers)], cores) as s:
        s.ready("/")
        mine = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {int(c) for c in generator.split(",")})  # wrk inherits it
        try:
            load.wrk(s.port, 1, headers=headers)
            rounds = []
            for _ in range(options.rounds):
                before, spent, began = usage.times([s.pid]), _children(), time.perf_counter()
                got = load.wrk(s.port, options.seconds, headers=headers)
                took = time.perf_counter() - began
                parts = usage.between(before, usage.times([s.pid]))
                per = 1e6 / got["requests"]
                rounds.append(
                    {
                        "rate": got["rate"],
                        "go": sum(parts["Go"]) * per,
                        "python": sum(parts["Python"]) * per,
                        "generator": (_children() - spent) * per,
                        "used": (sum(parts["Go"]) + sum(parts["Python"])) / took,
                    }
                )
        finally:
            os.sched_setaffinity(0, mine)
    return {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}


def _children():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def _settle(pid):
    return crowd.settle(lambda: usage.rss(pid))


def idle_connections(options, first=1000, second=5000):
    """KiB of the Go process for a connection that has had its answer and waits for the next request."""
    sizes = {}
    with running(options, {"hello.py": SMALL}, ["hello:app", "-w", "1", "--max-connections", "0"]) as s:
        s.ready("/")
        held = []
        sizes[0] = _settle(s.pid)
        for count in first, second:
            while len(held) < count:
                c = crowd.connect(s.port, 1, crowd.REQUEST)[0]
                if not c.recv(4096).startswith(b"HTTP/1.1 200"):
                    raise SystemExit("scaling: an answer that is not 200")
                held.append(c)
            sizes[count] = _settle(s.pid)
        for c in held:
            c.close()
    return {"rss": sizes, "kib": 1024 * (sizes[second] - sizes[first]) / (second - first)}


def waiting_requests(options, first=500, second=2500):
    """KiB of the Go process for a request in the queue, its connection included."""
    sizes = {}
    with running(
        options,
        {"gate.py": GATE},
        ["gate:app", "-w", "1", "--queue", "0", "--queue-timeout", "0", "--timeout", "0", "--max-connections", "0"],
    ) as s:
        s.ready("/")
        open(os.path.join(s.dir, "shut"), "w").close()
        held = []
        for count in first, second:
            held += crowd.connect(
                s.port,
                count - len(held),
                b"GET /?a=1 HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nCookie: session=0123456789abcdef\r\n\r\n",
            )
            sizes[count] = _settle(s.pid)
        os.remove(os.path.join(s.dir, "shut"))
        for c in held:
            c.close()
    return {"rss": sizes, "kib": 1024 * (sizes[second] - sizes[first]) / (second - first)}


def workers(options, count=40):
    """What an idle worker costs: KiB of the Go process (against one worker alone), its own memory, descriptors and threads."""
    found = {}
    for n in 1, count:
        with running(options, {"hello.py": SMALL}, ["hello:app", "-w", str(n)]) as s:
            s.ready()
            while len(s.workers()) < n:
                time.sleep(0.05)
            time.sleep(2)  # the last of them boot
            found[n] = {
                "rss": _settle(s.pid),
                "fds": len(os.listdir("/proc/%d/fd" % s.pid)),
                "threads": len(os.listdir("/proc/%d/task" % s.pid)),
            }
            pids = s.workers()
            found[n]["pss"] = statistics.mean(usage.pss(p) for p in pids)
            found[n]["worker_rss"] = statistics.mean(usage.rss(p) for p in pids)
            found[n]["worker_threads"] = len(os.listdir("/proc/%d/task" % pids[0]))
    one, many = found[1], found[count]
    return {
        "go": one["rss"],
        "kib": 1024 * (many["rss"] - one["rss"]) / (count - 1),
        "fds": (many["fds"] - one["fds"]) / (count - 1),
        "threads": many["threads"],
        "pss": many["pss"],
        "rss": many["worker_rss"],
        "worker_threads": many["worker_threads"],
    }


def apps(options, count):
    """Many apps with one idle worker each."""
    files, conf = {}, []
    for i in range(count):
        files["app%d/hello.py" % i] = SMALL
        conf.append('[[app]]\nname = "app%d"\nmodule = "hello:app"\ndir = "app%d"\nmount = "/app%d"\nworkers = 1\n' % (i, i, i))
    files["standpipe.toml"] = "\n".join(conf)
    with running(options, files, ["-c", "standpipe.toml"]) as s:
        took = s.ready()
        for i in range(count):
            if s.ask("/app%d/" % i) != 200:
                raise SystemExit("scaling: app%d does not answer" % i)
        time.sleep(2)
        before = usage.times([s.pid])
        time.sleep(10)
        idle = sum(sum(both) for both in usage.between(before, usage.times([s.pid])).values()) / 10
        pids = s.workers()
        found = {
            "apps": count,
            "start": took,
            "idle": idle,
            "go": _settle(s.pid),
            "pss": statistics.mean(usage.pss(p) for p in pids),
            "threads": len(os.listdir("/proc/%d/task" % s.pid)),
            "fds": len(os.listdir("/proc/%d/fd" % s.pid)),
        }
        began = time.perf_counter()
        s.process.stop(patience=30)
        found["stop"] = time.perf_counter() - began
    return found


def measure(options):
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("scaling: it takes two cores")
    first, second = str(cores[0]), str(cores[1])
    both = first + "," + second
    found = {"machine": machine.describe(), "commit": machine.commit(), "date": time.strftime("%Y-%m-%d", time.gmtime())}
    found["python"] = machine.output([options.python, "-c", "import platform; print(platform.python_version())"])
    for name, what in (
        ("one", lambda: hello(options, first, 1, second)),
        ("two", lambda: hello(options, both, 2, both)),
        ("close", lambda: hello(options, both, 2, both, ("Connection: close",))),
        ("view", lambda: hello(options, both, 2, both, text=VIEW)),
        ("connections", lambda: idle_connections(options)),
        ("waiting", lambda: waiting_requests(options)),
        ("worker", lambda: workers(options)),
        ("many", lambda: apps(options, options.apps)),
    ):
        found[name] = what()
        print("scaling: %s %s" % (name, json.dumps(_short(found[name]))), flush=True)
    return found


def _short(value):
    if isinstance(value, dict):
        return {k: _short(v) for k, v in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def table(f):
    """The figures as Markdown."""
    one, two, close, view, many, worker = f["one"], f["two"], f["close"], f["view"], f["many"], f["worker"]
    m = f["machine"]
    each = {"one": one["rate"] / one["used"], "two": two["rate"] / two["used"]}  # requests for a second of one core
    rows = [
        ("Go process, one hello on a kept connection, at full load", "%.1f us" % two["go"]),
        ("Python, one hello (shim and app)", "%.1f us" % two["python"]),
        (
            "a view that computes for %.1f ms: Go process, at full load of 2 workers, %s requests/s"
            % (view["python"] / 1000, _number(view["rate"])),
            "%.0f us" % view["go"],
        ),
        ("Go process, a new connection for the request: on top", "%.0f us" % max(0, close["go"] - two["go"])),
        ("`wrk`, one request", "%.1f us" % two["generator"]),
        ("requests/s, server on 1 core, 1 worker (`wrk` on the other core)", "%s" % _number(one["rate"])),
        ("requests/s, server on 2 cores, 2 workers (`wrk` takes its share of them)", "%s" % _number(two["rate"])),
        (
            "requests per second of a core that the server had: 1 core, 2 cores",
            "%s, %s: %.2f times" % (_number(each["one"]), _number(each["two"]), each["two"] / each["one"]),
        ),
        ("scaling from 1 to 2 cores, without the share of `wrk`", "%.2f" % (2 * each["two"] / each["one"])),
        ("memory of an idle keep-alive connection (Go process)", "%.1f KiB" % f["connections"]["kib"]),
        ("memory of a request in the queue, its connection included (Go process)", "%.1f KiB" % f["waiting"]["kib"]),
        ("Go process, one app with one worker, idle", "RSS %.0f MiB" % worker["go"]),
        ("Go process, each further idle worker", "%.0f KiB, %.0f descriptors, no thread" % (worker["kib"], worker["fds"])),
        (
            "idle worker (Python and the shim, an app of three lines)",
            "PSS %.1f MiB, RSS %.1f MiB, %d threads" % (worker["pss"], worker["rss"], worker["worker_threads"]),
        ),
        ("%d apps with 1 idle worker each: start to ready" % many["apps"], "%.1f s" % many["start"]),
        ("%d apps: processor, idle" % many["apps"], "%.2f %% of a core" % (100 * many["idle"])),
        (
            "%d apps: Go process" % many["apps"],
            "RSS %.0f MiB, %d threads, %s descriptors" % (many["go"], many["threads"], _number(many["fds"])),
        ),
        ("%d apps: stop" % many["apps"], "%.1f s" % many["stop"]),
    ]
    lines = [
        "%s, %d cores; Linux %s; CPython %s; commit %s, %s."
        % (m["processor"], m["cores"], m["kernel"], f["python"], f["commit"], f["date"]),
        "",
        "| what | figure |",
        "| --- | ---: |",
    ]
    return "\n".join(lines + ["| %s | %s |" % row for row in rows])


def _number(value):
    return "{:,.0f}".format(value)


def write(text):
    page = machine.read(PAGE)
    pattern = re.compile("(%s\n).*?(%s)" % tuple(re.escape(mark) for mark in MARKS), re.S)
    if not pattern.search(page):
        raise SystemExit("scaling: %s has no place for the figures" % PAGE)
    with open(PAGE, "w") as f:
        f.write(pattern.sub(lambda found: found.group(1) + text + "\n" + found.group(2), page))


def main():
    p = argparse.ArgumentParser(prog="scaling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", default=os.path.join(machine.REPOSITORY, "bin", "standpipe"))
    p.add_argument("--python", default=None, help="of the workers (default: the distribution's)")
    p.add_argument("--rounds", type=int, default=3, help="of load; the median counts")
    p.add_argument("--seconds", type=int, default=4, help="of load in a round")
    p.add_argument("--apps", type=int, default=200)
    p.add_argument("--print", action="store_true", help="leave the page as it is")
    options = p.parse_args()
    options.binary = os.path.abspath(options.binary)
    options.python = options.python or install.interpreter()
    for program in "wrk", "taskset":
        if not install.which(program):
            raise SystemExit("scaling: %s is not installed" % program)
    machine.raise_open_files()
    try:
        found = measure(options)
    finally:
        process.stop_all()
    print(json.dumps(_short(found), indent=1))
    text = table(found)
    print(text)
    if not options.print:
        write(text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130)
