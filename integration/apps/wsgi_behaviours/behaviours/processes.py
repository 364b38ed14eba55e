"""Children that a view starts."""

import fcntl
import multiprocessing
import os
import subprocess
import sys

from . import jobs
from .common import answer_json, answer_text, record


def run(environ, start_response):
    done = subprocess.run([sys.executable, "-c", "import sys; print(sys.stdin.read() + 'out')"], stdout=subprocess.PIPE, check=True)
    return answer_text(start_response, done.stdout.decode().strip())


def shell(environ, start_response):
    return answer_text(start_response, str(os.system("exit 7") >> 8))


def fork_exit(environ, start_response):
    pid = os.fork()
    if pid == 0:
        os._exit(9)
    _, status = os.waitpid(pid, 0)
    return answer_text(start_response, str(status >> 8))


def fork_return(environ, start_response):
    """The child comes back into the server's code: it must end there, and only the parent may answer."""
    pid = os.fork()
    if pid == 0:
        return answer_text(start_response, "the child answered")
    _, status = os.waitpid(pid, 0)
    record("child %d" % (status >> 8 if status & 127 == 0 else -(status & 127)))
    return answer_text(start_response, "the parent answered")


def fork_raise(environ, start_response):
    """The child raises through the server's code."""
    pid = os.fork()
    if pid == 0:
        raise ValueError("the child raised")
    _, status = os.waitpid(pid, 0)
    record("child %d" % (status >> 8 if status & 127 == 0 else -(status & 127)))
    return answer_text(start_response, "the parent answered")


def _context(method):
    def view(environ, start_response):
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        process = context.Process(target=jobs.put, args=(queue, 12))
        process.start()
        pid, value = queue.get(timeout=120)
        process.join(120)
        with context.Pool(2) as pool:
            squares = pool.map(jobs.square, range(10))
        return answer_json(
            start_response,
            {
                "own": os.getpid(),
                "child": pid,
                "value": value,
                "exitcode": process.exitcode,
                "squares": squares,
            },
        )

    return view


# What the worker talks through, as it was before any view had made pipes of its own.
PRIVATE = sorted(
    link for fd, link in jobs.links().items() if fd > 2 and link.startswith(("pipe:", "socket:")) and link != jobs.links().get(2)
)
LINKS = "import os, sys; sys.path.insert(0, %r); from behaviours import jobs; print(*sorted(jobs.links().values()))" % (
    os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
)


def _forked(fork):
    """The links in a child made by fork, which returns (pid, anything)."""
    reader, writer = os.pipe()
    pid = fork()
    pid = pid[0] if isinstance(pid, tuple) else pid
    if pid == 0:
        try:
            os.write(writer, " ".join(sorted(jobs.links().values())).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as out:
        found = out.read().split()
    os.waitpid(pid, 0)
    return found


def _spawned():
    reader, writer = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1)]
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", LINKS], os.environ, file_actions=actions)
    os.close(writer)
    with os.fdopen(reader) as out:
        found = out.read().split()
    os.waitpid(pid, 0)
    return found


def _multi(method):
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=jobs.put_links, args=(queue,))
    process.start()
    found = queue.get(timeout=120)
    process.join(120)
    return found


def descriptors(environ, start_response):
    """Which of the worker's own descriptors each kind of child sees."""
    import pty

    children = {
        "os.fork": lambda: _forked(os.fork),
        "pty.fork": lambda: _forked(pty.fork),
        "subprocess": lambda: subprocess.check_output([sys.executable, "-c", LINKS], close_fds=False).decode().split(),
        "system": lambda: os.popen("ls -l /proc/self/fd").read().split(),
        "posix_spawn": _spawned,
        "fork": lambda: _multi("fork"),
        "spawn": lambda: _multi("spawn"),
        "forkserver": lambda: _multi("forkserver"),
    }
    seen = {}
    for kind, run_it in children.items():
        links = run_it()
        seen[kind] = {"all": len(links), "private": [link for link in links if link in PRIVATE]}
    return answer_json(start_response, {"private": PRIVATE, "seen": seen})


def garble(environ, start_response):
    """Writes what is no frame on every pipe that it can find, as a broken C library might."""
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        try:
            if fd > 2 and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
                os.write(fd, b"this is no frame\n" * 10)
        except OSError:
            pass  # the folder's own descriptor, closed by now
    return answer_text(start_response, "garbled")


def pid(environ, start_response):
    return answer_text(start_response, str(os.getpid()))


CASES = {
    "run": run,
    "shell": shell,
    "fork_exit": fork_exit,
    "fork_return": fork_return,
    "fork_raise": fork_raise,
    "fork": _context("fork"),
    "spawn": _context("spawn"),
    "forkserver": _context("forkserver"),
    "garble": garble,
    "descriptors": descriptors,
    "pid": pid,
}
