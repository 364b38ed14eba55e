"""What the views of this folder's apps say, by every way that a framework's user has."""

import logging
import os
import subprocess
import sys
import threading
import time

log = logging.getLogger("said")
log.setLevel(logging.INFO)
log.addHandler(logging.StreamHandler())  # made at import, as most are

together = threading.Barrier(int(os.environ.get("TOGETHER", "1")))


def wait(path):
    end = time.monotonic() + 60
    while not os.path.exists(path):
        if time.monotonic() > end:
            raise RuntimeError("the gate stayed shut")
        time.sleep(0.005)


def chatter(me, rounds=20):
    """Says everything of me in pieces, while seven others do the same."""
    together.wait(30)
    for n in range(rounds):
        print(me, "prints", end=" ")
        print("to stderr", me, file=sys.stderr, end=" ")
        time.sleep(0.001)
        print("round", n, "of", me)
        print("round", n, "of", me, file=sys.stderr)
        log.info("%s logs round %d", me, n)


def nested(me):
    together.wait(30)
    try:
        raise KeyError("in " + me)
    except KeyError:
        time.sleep(0.005)
        log.exception("failed for %s", me)


def child(gate):
    subprocess.check_call(["echo", "by a child"])
    os.write(2, b"by fd 2\n")
    wait(gate)


def flood(lines):
    text = "f" * 999 + "\n"
    for _ in range(lines):
        sys.stderr.write(text)
