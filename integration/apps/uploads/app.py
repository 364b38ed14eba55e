"""Reads what is uploaded: one function per path, parameters in the query."""

import hashlib
import json
import os
import random
import stat
import time
from urllib.parse import parse_qsl


def sum_(q, environ):
    """What wsgi.input is, and what is in it."""
    source = environ["wsgi.input"]
    told = {"path": "", "regular": False, "keys": sorted(key for key in environ if key.startswith("standpipe.body"))}
    try:
        fd = source.fileno()
    except OSError:  # memory, or frames
        pass
    else:
        told["regular"] = stat.S_ISREG(os.fstat(fd).st_mode)
        told["path"] = os.readlink("/proc/self/fd/%d" % fd)
    digest = hashlib.sha256()
    size = 0
    for block in iter(lambda: source.read(1 << 20), b""):
        digest.update(block)
        size += len(block)
    told.update(size=size, sha256=digest.hexdigest())
    return json.dumps(told)


def gate(q, environ):
    """Waits until the file is there, then reads."""
    print("at the gate", flush=True)
    while not os.path.exists(q["path"]):
        time.sleep(0.01)
    return sum_(q, environ)


def fail(q, environ):
    raise ValueError("not today")


def die(q, environ):
    os._exit(9)


def deaf(q, environ):
    return "not read"


def pid(q, environ):
    return str(os.getpid())


def both(q, environ):
    """Writes so many MiB, made of the seed, before it reads anything; then the sha256 of what it reads."""
    source = random.Random(q["id"])
    for _ in range(int(q["mb"])):
        yield source.getrandbits(8 << 20).to_bytes(1 << 20, "big")
    digest = hashlib.sha256()
    for block in iter(lambda: environ["wsgi.input"].read(1 << 20), b""):
        digest.update(block)
    yield digest.hexdigest().encode()


class Closing:
    """A body whose close() is counted."""

    def __init__(self, blocks, id):
        self._blocks, self._id = blocks, id

    def __iter__(self):
        record("start " + self._id)
        return iter(self._blocks)

    def close(self):
        record("close " + self._id)


def record(line):
    """Adds a line to the file that the test reads."""
    fd = os.open(os.environ["RECORD_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(fd, line.encode() + b"\n")
    os.close(fd)


def own(q, environ):
    """The request's id and its body's sha256, in pieces, and a record of the iterable's life."""
    digest = hashlib.sha256(environ["wsgi.input"].read()).hexdigest()
    return Closing([q["id"].encode() + b" ", digest.encode(), b" " * int(q.get("pad", "0"))], q["id"])


PATHS = {"/sum": sum_, "/gate": gate, "/fail": fail, "/die": die, "/deaf": deaf, "/pid": pid}
STREAMS = {"/both": both, "/own": own}


def app(environ, start_response):
    if environ["PATH_INFO"] in STREAMS:
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return STREAMS[environ["PATH_INFO"]](dict(parse_qsl(environ["QUERY_STRING"])), environ)
    data = PATHS[environ["PATH_INFO"]](dict(parse_qsl(environ["QUERY_STRING"])), environ).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
    return [data]
