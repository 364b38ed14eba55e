"""What ps and top show of this process: `standpipe: shop/2 gen 7`.

Go gives a process its title as its last argument. Here it becomes the process's short name too, and a worker that a template
has forked writes its own over the template's. All by files of /proc: ctypes would cost a start some milliseconds."""

import os
import sys

_START = "standpipe: "
_SHORT = 15  # TASK_COMM_LEN without its end


def take():
    """Takes the title out of sys.argv, and makes it the short name. Returns it; empty: there is none."""
    if len(sys.argv) < 2 or not sys.argv[-1].startswith(_START):
        return ""
    title = sys.argv.pop()
    _shorten(title)
    return title


def change(old, new):
    """Writes new over old, the title that the process was started with. Returns what is wrong, for the log; empty: nothing."""
    if not old or not sys.platform.startswith("linux"):
        return ""
    _shorten(new)
    try:
        _write(os.fsencode(old), os.fsencode(new))
    except (OSError, ValueError, IndexError, OverflowError) as error:
        return "%s: %s" % (type(error).__name__, error)
    return ""


def _shorten(title):
    try:
        fd = os.open("/proc/self/comm", os.O_WRONLY)
        try:
            os.write(fd, os.fsencode(title)[:_SHORT])
        finally:
            os.close(fd)
    except OSError:
        pass  # not Linux, or no /proc: there is no short name to change


def _write(old, new):
    if len(new) > len(old):
        raise ValueError("%r has no room in the place of %r" % (new, old))
    with open("/proc/self/stat", "rb") as stat:
        fields = stat.read().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end, the fields 48 and 49 of proc(5)
    memory = os.open("/proc/self/mem", os.O_RDWR)
    try:
        at = os.pread(memory, end - start, start).rfind(b"\0" + old + b"\0")
        if at < 0:
            raise ValueError("the arguments do not hold %r" % old)
        os.pwrite(memory, new.ljust(len(old)), start + at + 1)
    finally:
        os.close(memory)
