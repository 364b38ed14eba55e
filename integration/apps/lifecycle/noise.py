"""All the ways to write where the frames might be."""

import os
import sys
import time


def print_(q):
    print("by print %s" % q.get("mark", ""))
    if "path" in q:  # held, so that it is not the end of the request that brings the line out
        while not os.path.exists(q["path"]):
            time.sleep(0.01)
    return "ok"


def system(q):
    os.system("echo by os.system")
    return "ok"


def puts(q):
    import ctypes

    libc = ctypes.CDLL(None)
    libc.puts(b"by C puts")
    libc.fflush(None)
    return "ok"


def stderr(q):
    sys.stderr.write("by stderr\n")
    return "ok"


def fd1(q):
    os.write(1, b"by fd 1\n")
    return "ok"


def log(q):
    import logging

    logging.getLogger("shop").warning("by logging")
    return "ok"


def frames(q):
    """Bytes that look like a frame's header, on every descriptor a careless library might pick."""
    for fd in (1, 2):
        os.write(fd, b"\xc1\x13\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\n")
    return "ok"
