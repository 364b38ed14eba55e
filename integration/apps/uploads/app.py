"""Reads what is uploaded: one function per path, parameters in the query."""

import hashlib
import json
import os
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


PATHS = {"/sum": sum_, "/gate": gate, "/fail": fail, "/die": die}


def app(environ, start_response):
    data = PATHS[environ["PATH_INFO"]](dict(parse_qsl(environ["QUERY_STRING"])), environ).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
    return [data]
