"""The worker's descriptors, taken before anything of the user's is imported.

0 and 1 carry the frames: they move to private close-on-exec descriptors, /dev/null takes the place of 0 and a copy of 2 the
place of 1. sys.stdout = sys.stderr would not be enough: C code and children write to descriptor 1."""

import os
import stat
import sys

from ..core import output
from ..core.output import Lines

try:
    from fcntl import F_DUPFD_CLOEXEC, fcntl
except ImportError:  # Windows
    fcntl = None

# Private descriptors start here, so that a wrapper that lost 3, 4 or 5 does not make ours stand in their places.
_LOWEST = 10


class Pipes:
    """What this process talks through. A descriptor that is not there is -1. The process owns them until it ends; a forked
    child closes its copies with forget."""

    __slots__ = ("requests", "answers", "control", "life", "stacks", "pid")

    def __init__(self, requests, answers, control, life, stacks):
        self.requests = requests
        self.answers = answers
        self.control = control
        self.life = life
        self.stacks = stacks
        self.pid = os.getpid()

    def forget(self):
        for name in ("requests", "answers", "control", "life", "stacks"):
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
    requests = _private(0)
    answers = _private(1)
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


def adopt(pipes, fds):
    """Puts the descriptors that a forked worker was given (as in 0 to 5) in the places of those that pipes.forget has closed,
    and closes the originals. 0 stays /dev/null."""
    requests, answers, written, control, life, stacks = fds
    pipes.requests = _moved(requests, _private)
    pipes.answers = _moved(answers, _private)
    for fd in _same(2, keep=fds):  # 1 and 2, and what the app's import has opened on them: a log handler's copy of 2, /dev/stderr
        os.dup2(written, fd, fd <= 2 or os.get_inheritable(fd))
    os.close(written)
    pipes.control = _seated(control, 3)
    pipes.life = _seated(life, 4)
    pipes.stacks = _seated(stacks, 5)
    pipes.pid = os.getpid()


def _same(fd, keep):
    """Returns 1, 2 and the other descriptors of the file behind fd, but none of keep."""
    there = output.place(fd)
    found = {1, 2}
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        numbers = range(3, 256)
    if there is not None and there != output.place(0):  # /dev/null stands behind 0
        found.update(number for number in numbers if number > 2 and number not in keep and output.place(number) == there)
    return found


def _moved(fd, make):
    made = make(fd)
    os.close(fd)
    return made


def _seated(fd, number):
    if fd == number:
        return fd
    try:
        os.fstat(number)
    except OSError:
        return _moved(fd, lambda fd: os.dup2(fd, number, False))
    return _moved(fd, _private)  # the app has something there: a wrapper had lost ours


def _kept(fd, is_kind):
    try:
        if not is_kind(os.fstat(fd).st_mode):
            return -1
        os.set_inheritable(fd, False)
    except OSError:
        return -1
    return fd


def _private(fd):
    private = os.dup(fd) if fcntl is None else fcntl(fd, F_DUPFD_CLOEXEC, _LOWEST)
    if hasattr(os, "set_blocking"):
        try:
            os.set_blocking(private, True)
        except OSError:  # Windows before 3.12 has no such thing for a pipe, and its pipes block
            pass
    return private


def _lines(stream, fd):
    # What a .pth file printed may still stand in the buffer, which is therefore kept; it goes out where fd now leads. The stream
    # itself may be held by somebody: it goes on, without tags.
    try:
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
        return Lines(stream.buffer, fd, stream)
    except (AttributeError, ValueError):
        return Lines(open(fd, "wb", closefd=False), fd)
