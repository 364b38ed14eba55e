"""What a worker may do: one function per path, parameters in the query."""

import json
import os
import resource
import time
from urllib.parse import parse_qsl


def pid(q, environ):
    return str(os.getpid())


def status(q, environ):
    with open("/proc/self/status") as f:
        return f.read()


def gate(q, environ):
    """Waits until the file is there."""
    print("at the gate", flush=True)
    while not os.path.exists(q["path"]):
        time.sleep(0.01)
    return "through"


def read(q, environ):
    """A file's text, or why it cannot be read."""
    try:
        with open(q["path"]) as f:
            return f.read()
    except OSError as e:
        return type(e).__name__


def create(q, environ):
    """The permissions of a new file."""
    path = os.path.join(q["dir"], "new-%d" % os.getpid())
    with open(path, "w"):
        pass
    told = "%04o %d" % (os.stat(path).st_mode & 0o7777, os.stat(path).st_uid)
    os.remove(path)
    return told


def limits(q, environ):
    names = {"as": resource.RLIMIT_AS, "nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC, "cpu": resource.RLIMIT_CPU}
    told = {name: resource.getrlimit(which)[0] for name, which in names.items()}
    told["nice"] = os.nice(0)
    return json.dumps(told)


def grow(q, environ):
    """More than the address space holds."""
    try:
        return str(len(bytearray(int(q["bytes"]))))
    except MemoryError:
        return "MemoryError"


def env(q, environ):
    return json.dumps({name: os.environ.get(name) for name in ("HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR")})


def fds(q, environ):
    """What the worker holds open."""
    told = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            told.append(os.readlink("/proc/self/fd/" + fd))
        except OSError:  # the listing's own
            pass
    return json.dumps(told)


def body(q, environ):
    """Whose file a large body is, and who may read it."""
    source = environ["wsgi.input"]
    st = os.fstat(source.fileno())
    others = []
    folder = os.path.dirname(os.readlink("/proc/self/fd/%d" % source.fileno()))
    try:
        others = os.listdir(folder)
    except OSError as e:
        others = type(e).__name__
    size = sum(len(block) for block in iter(lambda: source.read(1 << 20), b""))
    return json.dumps({"uid": st.st_uid, "mode": "%04o" % (st.st_mode & 0o7777), "size": size, "listing": others})


PATHS = {
    "/pid": pid, "/status": status, "/read": read, "/create": create, "/limits": limits, "/grow": grow, "/env": env,
    "/fds": fds, "/gate": gate, "/body": body,
}  # fmt: skip


def app(environ, start_response):
    data = PATHS[environ["PATH_INFO"]](dict(parse_qsl(environ["QUERY_STRING"])), environ).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(data)))])
    return [data]
