"""How much processor time a server needs for its waiting: the three ways of eventloop/, in turn, at fixed rates.

Prints one table: us of the server's processor time for one request, and the p99 in ms, medians of the rounds."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import load
import machine

WAYS = [(way, ps) for way in ("goroutines", "relay", "thread") for ps in (1, 2)]


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--rates", default="1000,4000,12000", help="requests per second (default: %(default)s)")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=3, help="of one measurement")
    a = p.parse_args()
    rates = [int(r) for r in a.rates.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        program, pace = build(folder, "eventloop"), build(folder, "pace")
        got = {}
        for number in range(1, a.rounds + 1):
            for rate in rates:
                for way in WAYS:
                    one = measure(program, pace, way, rate, a.seconds)
                    got.setdefault((way, rate), []).append(one)
                    print("round %d, %d/s, %s, GOMAXPROCS=%d: %.1f us, p99 %.2f ms" % ((number, rate) + way + one), file=sys.stderr)
    print("| way | Ps |" + "".join(" %s/s |" % format(r, ",") for r in rates))
    print("| --- | ---: |" + " ---: |" * len(rates))
    for way in WAYS:
        cells = ["%.0f us, %.2f ms" % tuple(map(statistics.median, zip(*got[way, r]))) for r in rates]
        print("| %s | %d | %s |" % (way[0], way[1], " | ".join(cells)))


def build(folder, name):
    path = os.path.join(folder, name)
    subprocess.run(["go", "build", "-o", path, "./integration/bench/" + name], cwd=machine.REPOSITORY, check=True)
    return path


def measure(program, pace, way, rate, seconds):
    """Processor time of one request in us, and the p99 in ms."""
    port = machine.free_port()
    one = subprocess.Popen([program, way[0], "127.0.0.1:%d" % port, sys.executable], env=dict(os.environ, GOMAXPROCS=str(way[1])))
    try:
        time.sleep(0.5)
        before = used(one.pid)
        r = load.pace(pace, port, rate, seconds)
        if r["failed"]:
            raise load.LoadError("%d requests failed" % r["failed"])
        return (used(one.pid) - before) / r["requests"] / 1000, r["p99"]
    finally:
        one.kill()
        one.wait()


def used(pid):
    """Processor time of a process, in ns."""
    total, folder = 0, "/proc/%d/task" % pid
    for task in os.listdir(folder):
        with open("%s/%s/schedstat" % (folder, task)) as f:
            total += int(f.read().split()[0])
    return total


if __name__ == "__main__":
    main()
