"""Where the processor time of a request goes, beside nginx + uWSGI: `make profiles`. Puts the figures into docs/measurements/profiles.md, each case's between
its two marks; what stands between the tables is written by hand and stays. Linux, wrk, Go; perf where it is installed. Less than four minutes
on a machine that has nothing else to do. No test and no race: the requests/s are a hint, the shares are what counts."""

import argparse
import contextlib
import os
import re
import signal
import sys
import time

import goprofile
import install
import kernel
import load
import machine
import process
import rounds
import usage
from cases import CASES, SETS
from entrant import Entrant, Failed
from server import Unoffered
from servers import BY_NAME

PAGE = os.path.join(machine.REPOSITORY, "docs", "measurements", "profiles.md")
OWN, PEER, BEHIND = "standpipe", "nginx-uwsgi", "nginx-standpipe"
# Name on the page, case, standpipe by itself or behind nginx.
LOOKS = tuple(
    (name, name, OWN)
    for name in (
        "hello",
        "flask",
        "django",
        "out-100k",
        "out-1m",
        "in-64k",
        "clients-1000",
        "close",
        "wait-threads",
        "workers-8",
        "static-1k",
        "static-304",
        "static-many",
    )
) + (("behind-nginx", "hello", BEHIND), ("half-load", "latency-own", OWN))
LEAST = 0.005  # of a request: system calls and microseconds below it are not printed


class Watched(Entrant):
    """An entrant whose Go process writes a CPU profile when profile is set."""

    profile = ""

    def _environment(self):
        env = super()._environment()
        if self.profile:
            env["STANDPIPE_CPUPROFILE"] = self.profile
        return env


class Looks(rounds.Race):
    """Measures a case on standpipe and on the peer."""

    def look(self, case, own):
        """{"standpipe": found, "peer": found}; found: rate, parts {name: [user, system]} in us, and where there are any go {class: samples},
        samples {part: {class: samples}}, calls {part: {call: per request}}, unseen: why not; or a reason."""
        found = {}
        rate = 0.0
        for key, name in ("peer", PEER), ("standpipe", own):  # the peer first: it sets the pace
            try:
                found[key], rate = self._server(case, name, rate)
            except (Failed, load.LoadError, Unoffered, ValueError) as e:
                found[key] = {"reason": str(e)}
        return found

    def _server(self, case, name, rate):
        found = {}
        expected = self._answer(case)
        profile = os.path.join(self._dir, "cpu") if "standpipe" in name else ""
        with self._started(case, name, expected, profile) as e:
            if case.kind == "pace" and not rate:
                rate = self._wrk(e, 1)["rate"] / 2
            self._stir(e, rate)
            before = usage.times(e.roots)
            got = self._load(e, rate, self._options.seconds if profile else 2)  # a profile needs its samples
            parts = usage.between(before, usage.times(e.roots))
            per = 1e6 / got["requests"]
            found["rate"] = got.get("rate") if case.kind != "pace" else got["achieved"]
            found["p50"], found["p99"] = got.get("p50"), got.get("p99")
            found["parts"] = {part: [t * per for t in parts[part]] for part in usage.PARTS if part in parts}
            if not profile:
                self._kernel(e, rate, found)
        if profile:
            found["go"] = goprofile.read(profile)
            with self._started(case, name, expected) as e:  # a new server: perf's own cost would be in the profile
                self._stir(e, rate)
                self._kernel(e, rate, found)
        return found, rate

    @contextlib.contextmanager
    def _started(self, case, name, expected, profile=""):
        e = Watched(BY_NAME[name], case, SETS[0], self._tools, self._dir, self._apps, self._files(case))
        e.profile = profile
        try:
            self._begin(e, expected)
            yield e
        finally:
            e.stop()  # a perf that looks at it ends with it

    def _stir(self, e, rate):
        if rate:
            load.pace(self._tools.pace, e.port, rate, load.STIR)
        else:
            load.stir(e.port, *self._request(e))

    def _load(self, e, rate, seconds):
        return load.pace(self._tools.pace, e.port, rate, seconds) if rate else self._wrk(e, seconds)

    def _kernel(self, e, rate, found):
        if kernel.missing():
            return
        parts = {}
        for p in usage.tree(e.roots):
            parts.setdefault(usage.part(p), []).append(p.pid)
        for what in "samples", "calls":
            running = {part: kernel.Look(what, pids, self._dir, part) for part, pids in parts.items()}
            if what == "calls":  # which are compared with the requests; samples need not be complete
                time.sleep(kernel.READY)
            got = self._load(e, rate, 1)
            for one in running.values():
                one.stop()
            ended = {}
            for part, one in running.items():
                try:
                    ended[part] = one.end()
                except ValueError as error:
                    found["unseen"] = str(error)
            if what == "calls":
                ended = {part: {call: n / got["requests"] for call, n in of.items()} for part, of in ended.items()}
            found[what] = ended


# The tables.


def tables(found):
    """A case's figures as Markdown."""
    out = [_head("us of processor time for one request", ("user", "system", "both"))]
    for key, label in ("standpipe", "standpipe"), ("peer", "nginx + uWSGI"):
        one = found[key]
        if "reason" in one:
            out.append("| %s: %s | - | - | - |" % (label, one["reason"]))
            continue
        for part, (user, system) in one["parts"].items():
            if user + system >= 0.05:
                out.append("| %s: %s | %.1f | %.1f | %.1f |" % (label, part, user, system, user + system))
        speed = "%s requests/s" % "{:,.0f}".format(one["rate"]) + (
            "; median %.2f ms, p99 %.2f ms" % (one["p50"], one["p99"]) if one["p50"] else ""
        )
        sums = [sum(both) for both in zip(*one["parts"].values())]
        out.append("| **%s** (%s) | %.1f | %.1f | **%.1f** |" % (label, speed, *sums, sum(sums)))
    own = found["standpipe"]
    if own.get("go"):
        out += ["", *_go(own["go"], sum(own["parts"].get("Go", [0])))]
    columns = [(key, part) for key in ("standpipe", "peer") for part in usage.PARTS if found[key].get("samples", {}).get(part)]
    if not columns:
        return "\n".join(out + ["", "Nothing from inside the kernel: %s." % (kernel.missing() or own.get("unseen") or "no samples")])
    return "\n".join(out + ["", *_samples(found, columns), "", *_calls(found, columns)])


def _go(counts, time_):
    all_ = sum(counts.values()) or 1
    yield _head("Go, by what it is for (%d samples)" % all_, ("%", "us"))
    for class_ in goprofile.CLASSES:
        if counts[class_]:
            yield "| %s | %.1f | %.1f |" % (class_, 100 * counts[class_] / all_, time_ * counts[class_] / all_)


def _samples(found, columns):
    """Shares of perf's samples times the time that was measured without perf."""
    us = {}
    for key, part in columns:
        counts, time_ = found[key]["samples"][part], sum(found[key]["parts"].get(part, [0]))
        all_ = sum(counts.values()) or 1
        us[key, part] = {class_: time_ * n / all_ for class_, n in counts.items()}
    yield _head("us for one request, by perf", [_column(*c) for c in columns])
    for class_ in kernel.CLASSES:
        row = [us[c].get(class_, 0) for c in columns]
        if max(row) >= 0.05:
            yield "| %s | %s |" % (class_, " | ".join("%.1f" % v if v >= 0.05 else "" for v in row))


def _calls(found, columns):
    per = {c: found[c[0]].get("calls", {}).get(c[1], {}) for c in columns}
    yield _head("system calls for one request", [_column(*c) for c in columns])
    for call in ("all",) + kernel.CALLS:
        row = [per[c].get(call, 0) for c in columns]
        if max(row) >= LEAST:
            yield "| %s | %s |" % (call, " | ".join("%.2f" % v if v >= LEAST else "" for v in row))


def _column(key, part):
    if part == "Python":
        return "Python of standpipe" if key == "standpipe" else "Python of uWSGI"
    return "nginx before standpipe" if (key, part) == ("standpipe", "nginx") else part


def _head(first, columns):
    return "| %s | %s |\n| --- | %s |" % (first, " | ".join(columns), " | ".join("---:" for _ in columns))


# The page.


def place(page, name, text):
    """The page with text between the marks of name."""
    marks = "<!-- figures %s -->" % name, "<!-- /figures %s -->" % name
    pattern = re.compile("(%s\n).*?(%s)" % tuple(re.escape(mark) for mark in marks), re.S)
    if not pattern.search(page):
        raise SystemExit("profiles: %s has no place for %s" % (PAGE, name))
    return pattern.sub(lambda found: found.group(1) + text + "\n" + found.group(2), page)


def where(tools):
    m, versions = machine.describe(), tools.versions()
    said = ", ".join("%s %s" % (name, versions[name]) for name in ("nginx", "uwsgi", "flask", "django", "wrk") if name in versions)
    return "%s, %d cores; Linux %s; CPython %s; standpipe %s; %s. Commit %s, %s." % (
        m["processor"],
        m["cores"],
        m["kernel"],
        versions["CPython"],
        versions["standpipe"],
        said,
        machine.commit(),
        time.strftime("%Y-%m-%d", time.gmtime()),
    )


def main():
    p = argparse.ArgumentParser(prog="profiles", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", default=os.path.join(machine.REPOSITORY, "bin", "standpipe"))
    p.add_argument("--python", default=None, help="of all servers (default: the distribution's)")
    p.add_argument("--seconds", type=int, default=3, help="of load that is measured")
    p.add_argument("--cases", default="", help="with commas between: " + " ".join(name for name, _, _ in LOOKS))
    p.add_argument("--print", action="store_true", help="leave the page as it is")
    options = p.parse_args()
    options.say = lambda text: print(text, flush=True)
    wanted = [name for name in options.cases.split(",") if name] or [name for name, _, _ in LOOKS]
    for name in wanted:
        if name not in [n for n, _, _ in LOOKS]:
            raise SystemExit("profiles: no case is called " + name)
    for program in "wrk", "go":
        if not install.which(program):
            raise SystemExit("profiles: %s is not installed" % program)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine.raise_open_files()
    tools = install.Tools(options.binary, options.python)
    tools.prepare(["uWSGI", "Flask", "Django"])
    page = machine.read(PAGE)
    began = time.monotonic()
    looks = Looks(tools, options)
    try:
        for name, case, own in LOOKS:
            if name in wanted:
                found = looks.look(next(c for c in CASES if c.name == case), own)
                text = tables(found)
                options.say("profiles: %s, %d s\n%s\n" % (name, time.monotonic() - began, text))
                if "reason" in found["standpipe"]:
                    raise SystemExit("profiles: %s: %s" % (name, found["standpipe"]["reason"]))
                page = place(page, name, text) if not options.print else page
    finally:
        looks.close()
    if not options.print:
        page = place(page, "machine", where(tools))
        with open(PAGE, "w") as f:
            f.write(page)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        process.stop_all()
        raise SystemExit(130)
