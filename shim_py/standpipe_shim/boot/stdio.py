"""The descriptors of the worker and its title in ps, taken before anything of the user's is imported.

0 and 1 carry the frames: they move to private close-on-exec descriptors, /dev/null takes the place of 0 and a copy of 2 the place
of 1. sys.stdout = sys.stderr would not be enough: C code and children write to descriptor 1."""

import os
import stat
import sys

from ..core import output

try:
    from fcntl import F_DUPFD_CLOEXEC, fcntl
except ImportError:  # Windows
    fcntl = None

# Private descriptors start here, so that ours do not take the places of 3, 4 or 5 when a wrapper has lost those.
_LOWEST = 10
_NAMES = ("requests", "answers", "control", "life", "stacks")
_TITLE = "standpipe: "
_SHORT = 15  # bytes; TASK_COMM_LEN without its end


class Pipes:
    """What this process talks through; -1 for a descriptor that is not there. A forked child closes its copies with forget."""

    __slots__ = _NAMES + ("pid",)

    def __init__(self, *fds):
        self.set(*fds)

    def set(self, *fds):
        for name, fd in zip(_NAMES, fds):
            setattr(self, name, fd)
        self.pid = os.getpid()

    def forget(self):
        for name in _NAMES:
            fd = getattr(self, name)
            setattr(self, name, -1)
            if fd >= 0:
                try:
                    os.close(fd)
                except OSError:
                    pass


def take():
    """Takes the descriptors and returns Pipes. Raises OSError when 0 or 1 is closed."""
    control = _kept(3, stat.S_ISSOCK)
    life = _kept(4, stat.S_ISFIFO)
    stacks = _kept(5, stat.S_ISFIFO)
    requests = private(0)
    answers = private(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # no descriptor 2: what the app writes goes nowhere, but never into the frames
        os.dup2(null, 1)
        os.dup2(null, 2)
    if null > 2:
        os.close(null)
    output.take(_lines(sys.stdout, 1), _lines(sys.stderr, 2))
    return Pipes(requests, answers, control, life, stacks)


def _kept(fd, is_kind):
    try:
        if not is_kind(os.fstat(fd).st_mode):
            return -1
        os.set_inheritable(fd, False)
    except OSError:
        return -1
    return fd


def private(fd):
    copy = os.dup(fd) if fcntl is None else fcntl(fd, F_DUPFD_CLOEXEC, _LOWEST)
    if hasattr(os, "set_blocking"):
        try:
            os.set_blocking(copy, True)
        except OSError:  # Windows before 3.12 has no such thing for a pipe, and its pipes block
            pass
    return copy


def _lines(stream, fd):
    # The buffer, which may hold what a .pth file has printed, is kept, and so is the stream, which some code may hold.
    try:
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        return output.Lines(stream.buffer, fd, stream)
    except (AttributeError, ValueError):
        return output.Lines(open(fd, "wb", closefd=False), fd)


def take_title():
    """Takes out of sys.argv what ps and top show of this process, such as `standpipe: shop/2 gen 7`: Go gives it as the last
    argument. Makes it the short name too, and returns it; empty: there is none."""
    if len(sys.argv) < 2 or not sys.argv[-1].startswith(_TITLE):
        return ""
    title = sys.argv.pop()
    shorten(title)
    return title


def shorten(title):
    """Makes title the short name of the process."""
    try:
        fd = os.open("/proc/self/comm", os.O_WRONLY)
        try:
            os.write(fd, os.fsencode(title)[:_SHORT])
        finally:
            os.close(fd)
    except OSError:
        pass  # not Linux, or no /proc: there is no short name to change
