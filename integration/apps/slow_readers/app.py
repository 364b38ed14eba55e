"""Answers that are larger, longer or slower than their clients like: one function per path, parameters in the query."""

import hashlib
import os
import random
import time
from urllib.parse import parse_qsl

MEGABYTE = 1 << 20


def record(line):
    """Adds a line to the file that the test reads."""
    fd = os.open(os.environ["RECORD_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(fd, line.encode() + b"\n")
    os.close(fd)


def big(q):
    """So many MiB, then their sha256 as 64 hex digits."""
    source, digest = random.Random(q["id"]), hashlib.sha256()
    try:
        for _ in range(int(q["mb"])):
            piece = source.getrandbits(8 * MEGABYTE).to_bytes(MEGABYTE, "big")
            digest.update(piece)
            yield piece
        yield digest.hexdigest().encode()
    finally:
        record("close " + q["id"])


def endless(q):
    n = 0
    try:
        while True:
            n += 1
            if n % 16 == 0:
                record("MiB")
            yield b"x" * 65536
    finally:
        record("close " + q["id"])


def steps(q):
    """Makes a step when the client has seen the one before."""
    for i in range(int(q["n"])):
        yield b"step %d\n" % i
        while not os.path.exists("%s.%d" % (q["seen"], i)):
            time.sleep(0.005)


def broken(q):
    for _ in range(int(q["mb"])):
        yield b"x" * MEGABYTE
    raise ValueError("in the middle")


def pid(q):
    yield str(os.getpid()).encode()


PATHS = {"/big": big, "/endless": endless, "/steps": steps, "/broken": broken, "/pid": pid}


def application(environ, start_response):
    q = dict(parse_qsl(environ["QUERY_STRING"]))
    fields = [("Content-Type", "application/octet-stream")]
    if "straight" in q:
        fields.append(("X-Accel-Buffering", "no"))
    start_response("200 OK", fields)
    return PATHS[environ["PATH_INFO"]](q)
