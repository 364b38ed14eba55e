"""The benchmark: `make bench`, or python3 integration/bench --help. Linux, wrk, and Go for the open-loop client.

Starts each server on loopback with the same apps and worker counts, checks an answer byte for byte, warms it up, loads it
in interleaved rounds, and writes docs/measurements/benchmarks.json, docs/measurements/benchmarks.md and charts. A peer that is missing is a row with
the reason. Ctrl-C ends everything that was started; what was measured is kept, and --resume goes on from there."""

import argparse
import fnmatch
import os
import shlex
import signal
import sys
import time

import install
import machine
import report
import results
import rounds
import targetpage
import targets
from cases import CASES, SETS
from servers import BY_NAME

BENCHMARKS = os.path.join(machine.REPOSITORY, "docs", "measurements", "benchmarks.json")
QUICK = {
    "cases": "hello,flask,alone",
    "sets": "default",
    "servers": "standpipe,nginx-uwsgi,gunicorn-sync,alone-*",
    "rounds": 1,
    "seconds": 1.0,
    "warm": 0.3,
}


def arguments():
    p = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", default=os.path.join(machine.REPOSITORY, "bin", "standpipe"), help="the standpipe that is raced")
    p.add_argument("--python", help="the CPython of all servers (default: the distribution's)")
    p.add_argument("--cases", default="*", help="patterns with commas between: " + " ".join(c.name for c in CASES))
    p.add_argument("--servers", default="*", help="patterns: " + " ".join(BY_NAME))
    p.add_argument("--sets", default="*", help="patterns: " + " ".join(s.name for s in SETS))
    p.add_argument("--rounds", type=int, help="default: 3, with --targets 5")
    p.add_argument("--seconds", type=float, default=3.0, help="of load in a round")
    p.add_argument("--warm", type=float, default=1.0, help="seconds of load before the first round")
    p.add_argument("--json", help="results file; cases that are run replace its entries (default: in docs/measurements)")
    p.add_argument("--targets", action="store_true", help="measure what targets.py needs, 5 rounds, and write docs/measurements/targets.md")
    p.add_argument("--rows", default="", help="with --targets: patterns of its rows: " + " ".join(t.row for t in targets.TARGETS))
    p.add_argument("--more", default="", help="further arguments of standpipe's, for a trial: --more='--threads 4'")
    p.add_argument("--resume", action="store_true", help="leave out the cases that the results file has for this commit")
    p.add_argument("--report", action="store_true", help="measure nothing, write the pages again from the results file")
    p.add_argument("--check", action="store_true", help="measure nothing, fail when the pages are not what the results file gives")
    p.add_argument("--quick", action="store_true", help="a look whether all this works, in .cache/bench/quick; says nothing about speed")
    p.add_argument("--list", action="store_true", help="list what would run, with an estimate")
    return p


def split(patterns):
    return tuple(p.strip() for p in patterns.split(",") if p.strip())


def plan(options):
    """What was asked for and has a server: [(case, set, patterns of servers)]."""
    if options.targets:
        keys = {t.key for t in targets.chosen(options.rows)}
        return [(c, s, targets.servers(results.key(c, s))) for c in CASES for s in SETS if results.key(c, s) in keys]
    for kind, patterns, known in (
        ("case", options.cases, [c.name for c in CASES]),
        ("server", options.servers, BY_NAME),
        ("set", options.sets, [s.name for s in SETS]),
    ):
        for pattern in patterns:
            if not any(fnmatch.fnmatch(name, pattern) for name in known):
                raise SystemExit("bench: no %s is called %s; there are: %s" % (kind, pattern, " ".join(known)))
    found = []
    for case in CASES:
        for set_ in SETS:
            asked = any(fnmatch.fnmatch(case.name, p) for p in options.cases) and any(fnmatch.fnmatch(set_.name, p) for p in options.sets)
            if asked and set_.name in case.servers and rounds.chosen(case, set_, options.servers):
                found.append((case, set_, options.servers))
    return found


def say(text):
    print(text, flush=True)


def run(options):
    store = results.Results(options.json)
    planned = plan(options)
    if options.resume:
        here = machine.commit()
        planned = [p for p in planned if store.cases.get(results.key(*p[:2]), {}).get("commit") != here]
    left = sum(rounds.estimate(*p, options) for p in planned)
    if options.list:
        for case, set_, servers in planned:
            say("%-24s %s" % (results.key(case, set_), " ".join(s.name for s in rounds.chosen(case, set_, servers))))
        say("about %d minutes" % (left / 60 + 1))
        return
    if not install.which("wrk"):
        raise SystemExit("bench: wrk is not installed")
    if not os.path.exists(options.binary):
        raise SystemExit("bench: no %s; make build" % options.binary)
    machine.raise_open_files()
    tools = install.Tools(options.binary, options.python, options.quick, shlex.split(options.more))
    names = {}  # in the order of their use
    for case, set_, servers in planned:
        for server in rounds.chosen(case, set_, servers):
            names.update(dict.fromkeys(server.needs + case.needs))
    tools.prepare(names)
    environment = store.environment(tools)
    race = rounds.Race(tools, options)
    try:
        for case, set_, servers in planned:
            say("bench: %s (%s), %s; about %d:%02d left" % (case.title, results.key(case, set_), set_.title, left // 60, left % 60))
            began = time.monotonic()
            store.put(case, set_, environment, options, race.run(case, set_, servers))
            expected = rounds.estimate(case, set_, servers, options)
            left = max(0, left - expected)
            if expected:
                say("  %d s (estimate %d s)" % (time.monotonic() - began, expected))
    finally:
        race.close()


def own_rows_missing(options):
    """What bench-quick is for: standpipe's rows have to be there."""
    store = results.Results(options.json)
    bad = []
    for case, set_, _ in plan(options):
        rows = store.cases.get(results.key(case, set_), {}).get("rows", [])
        own = [r for r in rows if r["server"] == case.own]
        if not own or own[0]["status"] != "ok" or not own[0]["rounds"]:
            bad.append("%s: %s" % (results.key(case, set_), own[0].get("reason", "no figure") if own else "no row"))
    return bad


def main():
    options = arguments().parse_args()
    if options.quick:
        folder = os.path.join(install.CACHE, "quick")
        os.makedirs(folder, exist_ok=True)
        options.json = os.path.join(folder, "benchmarks.json")
        if os.path.exists(options.json):
            os.remove(options.json)
        for name, value in QUICK.items():
            setattr(options, name, value)
    options.cases, options.servers, options.sets = split(options.cases), split(options.servers), split(options.sets)
    options.rows = split(options.rows)
    if options.rows and not options.targets:
        raise SystemExit("bench: --rows goes with --targets")
    options.rounds = options.rounds or (5 if options.targets else 3)
    options.json = os.path.abspath(options.json or (targetpage.PATH if options.targets else BENCHMARKS))
    options.say = say
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    if options.check:
        stale = report.stale(results.Results(options.json))
        if targetpage.stale(results.Results(targetpage.PATH)):
            stale.append("targets.md")
        if stale:
            raise SystemExit("bench: not what %s gives: %s; make bench-report" % (os.path.basename(options.json), " ".join(stale)))
        return
    if not options.report:
        run(options)
        if options.list:
            return
    if options.targets or options.report:
        store = results.Results(options.json if options.targets else targetpage.PATH)
        if store.cases:
            say(targetpage.summary(store, options.rows) if options.targets else "")
            say("bench: " + os.path.relpath(targetpage.write(store)))
        if options.targets:
            return
    written = report.write(results.Results(options.json))
    say("bench: " + " ".join(os.path.relpath(p) for p in written))
    if options.quick:
        bad = own_rows_missing(options)
        if bad:
            raise SystemExit("bench: standpipe's own row is missing: " + "; ".join(bad))
        say("bench: ok")


try:
    main()
except KeyboardInterrupt:
    raise SystemExit(130)
