"""What the tests of starts, stops, deaths and queues serve: one function per path, parameters in the query."""

import os
import sys
import time
from urllib.parse import parse_qsl

import noise


def pid(q):
    return str(os.getpid())


def env(q):
    return os.environ.get(q["name"], "-")


def path(q):
    return "\n".join(sys.path)


def python(q):
    return "%s %s" % (sys.implementation.name, sys.version.split()[0])


def sleep(q):
    print("in sleep", flush=True)
    time.sleep(float(q.get("s", "1000")))
    return "slept"


def gate(q):
    """Waits until the file is there."""
    print("at the gate", flush=True)
    while not os.path.exists(q["path"]):
        time.sleep(0.01)
    return "through"


def touch(q):
    open(q["path"], "w").close()
    return "touched"


def c_loop(q):
    """C code that never lets the GIL go."""
    import collections
    import itertools

    print("in C", flush=True)
    collections.deque(itertools.repeat(None), maxlen=0)


def child(q):
    """A child of the worker's that outlives the request."""
    import subprocess

    p = subprocess.Popen(["sleep", "1000"])
    print("in sleep", flush=True)
    if q.get("wait"):
        p.wait()
    return str(p.pid)


def body_sum(q, environ):
    import hashlib

    return hashlib.sha256(environ["wsgi.input"].read()).hexdigest()


PATHS = {
    "/pid": pid, "/env": env, "/path": path, "/python": python, "/sleep": sleep, "/gate": gate, "/touch": touch,
    "/c-loop": c_loop, "/child": child, "/print": noise.print_, "/system": noise.system, "/puts": noise.puts,
    "/stderr": noise.stderr, "/fd1": noise.fd1, "/log": noise.log, "/frames": noise.frames,
}  # fmt: skip


def app(environ, start_response):
    q = dict(parse_qsl(environ["QUERY_STRING"]))
    name = environ["PATH_INFO"]
    if name == "/sum":
        text = body_sum(q, environ)
    elif name in PATHS:
        text = PATHS[name](q)
    else:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such path in the app"]
    data = text.encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(data)))])
    return [data]
