"""What the app sees: the environ, the process's own environment, its descriptors."""

import fcntl
import json
import os
import subprocess
import sys

from .common import answer_json, answer_text, query, record


def echo(environ, start_response):
    return answer_json(
        start_response,
        {
            "builtin": type(environ) is dict,
            "types": {key: type(value).__name__ for key, value in environ.items()},
            "strings": {key: value for key, value in environ.items() if type(value) is str},
            "wide": [key for key, value in environ.items() if type(value) is str and any(ord(c) > 255 for c in value)],
            "version": list(environ["wsgi.version"]),
            "multithread": bool(environ["wsgi.multithread"]),
            "multiprocess": bool(environ["wsgi.multiprocess"]),
            "run_once": bool(environ["wsgi.run_once"]),
            "input_terminated": environ.get("wsgi.input_terminated"),
            "body": environ["wsgi.input"].read().decode("latin-1"),
            "pid": os.getpid(),
        },
    )


def canary(environ, start_response):
    """The request that a smuggling attempt tries to sneak in."""
    record("canary " + query(environ).get("id", "?"))
    return answer_text(start_response, "canary")


def posted(environ, start_response):
    """Records that it ran, and with which body."""
    body = environ["wsgi.input"].read()
    record("posted %s %s" % (query(environ).get("id", "?"), body.decode("latin-1")))
    return echo(environ, start_response)


def mutate(environ, start_response):
    """Changes what a later request must not see."""
    environ["LEAK"] = "leaked"
    environ["wsgi.version"] = ("leaked",)
    environ["SERVER_NAME"] = "leaked"
    del environ["SERVER_SOFTWARE" if "SERVER_SOFTWARE" in environ else "SERVER_PORT"]
    return answer_text(start_response, "changed")


def errors_stream(environ, start_response):
    stream = environ["wsgi.errors"]
    stream.write("errors-stream one %s\n" % query(environ)["id"])
    stream.writelines(["errors-stream two %s\n" % query(environ)["id"]])
    stream.flush()
    return answer_text(start_response, "ok")


def process_environ(environ, start_response):
    return answer_json(start_response, dict(os.environ))


LIST_FDS = """
import fcntl, json, os, sys
found = {}
for name in os.listdir("/proc/self/fd"):
    try:
        found[name] = [os.readlink("/proc/self/fd/" + name), bool(fcntl.fcntl(int(name), fcntl.F_GETFD) & fcntl.FD_CLOEXEC)]
    except OSError:
        pass  # the folder's own descriptor, closed by now
print(json.dumps(found))
"""


def fds(environ, start_response):
    """The worker's descriptors, and those that a child gets which is started as carelessly as can be."""
    own = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            flags = fcntl.fcntl(int(name), fcntl.F_GETFD)
            own[name] = [os.readlink("/proc/self/fd/" + name), bool(flags & fcntl.FD_CLOEXEC)]
        except OSError:
            pass
    child = subprocess.run([sys.executable, "-c", LIST_FDS], close_fds=False, stdout=subprocess.PIPE, check=True)
    return answer_json(start_response, {"own": own, "child": json.loads(child.stdout)})


CASES = {
    "": canary,
    "canary": canary,
    "posted": posted,
    "mutate": mutate,
    "errors": errors_stream,
    "process": process_environ,
    "fds": fds,
    "echo": echo,
}
