"""Kills workers at random, in their boots too, beside busy loops, and counts the seconds in which nothing was answered.

    python3 integration/trials/chaos.py                                   # bin/standpipe
    python3 integration/trials/chaos.py --command 'gunicorn -w 4 -b 127.0.0.1:{port} app:app'

Run by hand: it loads the machine. It ends with 1 when a request failed or a second passed without an answer."""

import argparse
import http.client
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

APP = """import json, decimal, email.message, http.client, logging, sqlite3
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""


def main():
    ours = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bin", "standpipe")
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("--command", default=shlex.quote(os.path.abspath(ours)) + " serve app:app -w 4 --control off -b 127.0.0.1:{port}")
    p.add_argument("--seconds", type=int, default=120)
    p.add_argument("--load", type=int, default=8, help="busy loops")
    p.add_argument("--clients", type=int, default=4)
    p.add_argument("--every", type=float, default=0.5, help="mean seconds between two kills")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    rnd = random.Random(a.seed)
    with tempfile.TemporaryDirectory() as folder, socket.socket() as s:
        with open(os.path.join(folder, "app.py"), "w") as f:
            f.write(APP)
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        s.close()
        with open(os.path.join(folder, "log"), "w") as log:
            server = subprocess.Popen(shlex.split(a.command.format(port=port)), cwd=folder, stdout=log, stderr=log)
        loops = []
        try:
            wait_for(port, server)
            loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(a.load)]
            return trial(a, rnd, port, server)
        finally:
            for p in loops:
                p.kill()
                p.wait()
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(40)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for(port, server):
    end = time.monotonic() + 60
    while ask(port) != 200:
        if server.poll() is not None or time.monotonic() > end:
            sys.exit("the server does not answer")
        time.sleep(0.1)


def ask(port):
    """The status of one request on a connection of its own, or what went wrong."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        c.request("GET", "/")
        r = c.getresponse()
        r.read()
        return r.status
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        c.close()


def workers(pid):
    """The server's children; any of its threads may have started one."""
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/children" % (pid, task)) as f:
                found += [int(n) for n in f.read().split()]
        except OSError:  # the thread has ended
            pass
    return sorted(found)


def trial(a, rnd, port, server):
    began = time.monotonic()
    end = began + a.seconds
    lock = threading.Lock()
    answered, failed, slowest, kills = [0] * (a.seconds + 1), {}, 0.0, 0

    def client():
        nonlocal slowest
        while time.monotonic() < end:
            at = time.monotonic()
            got = ask(port)
            now = time.monotonic()
            with lock:
                slowest = max(slowest, now - at)
                if got == 200:
                    answered[min(int(now - began), a.seconds)] += 1
                else:
                    failed[got] = failed.get(got, 0) + 1
            time.sleep(0.01)

    threads = [threading.Thread(target=client) for _ in range(a.clients)]
    for t in threads:
        t.start()
    while time.monotonic() < end:
        time.sleep(rnd.expovariate(1 / a.every))
        pids = workers(server.pid)
        if pids:
            try:
                os.kill(rnd.choice(pids), signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
    for t in threads:
        t.join()
    empty = [n for n in range(a.seconds) if answered[n] == 0]
    total = sum(answered) + sum(failed.values())
    print(
        "%d requests, %d failed %s; %d kills; the slowest took %.2f s; load %.1f"
        % (total, sum(failed.values()), failed or "", kills, slowest, os.getloadavg()[0])
    )
    if not kills:
        sys.exit("no worker was found to kill")
    print("%d of %d seconds without an answer %s" % (len(empty), a.seconds, empty or ""))
    return 1 if empty or failed else 0


if __name__ == "__main__":
    sys.exit(main())
