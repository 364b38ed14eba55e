"""wsgi.file_wrapper over a regular file: its descriptor goes to Go, which sends the bytes itself ("Files" of shim/PROTOCOL.md).
Imported when an app gives the first one."""

import io
import os
import stat
import struct
import sys

from .frames import FILE, FILED, frame

_span = struct.Struct(">QQ").pack


def regular(filelike):
    """Returns (descriptor, offset, length) when read() of filelike gives exactly the bytes of a regular file from offset on; else
    None. Not everything with a fileno() does: that of a gzip.GzipFile leads to the compressed bytes."""
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None and type(filelike) is getattr(tempfile, "_TemporaryFileWrapper", None):
        filelike = filelike.file
    kind = type(filelike)
    raw = filelike.raw if kind in (io.BufferedReader, io.BufferedRandom) else filelike
    if type(raw) is not io.FileIO:
        return None
    try:
        if not raw.readable():
            return None
        if kind is io.BufferedRandom:
            filelike.flush()
        fd = raw.fileno()
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
            return None  # /proc says 0 of files that have bytes
        offset = filelike.tell()  # not lseek: the buffer has read ahead
    except (OSError, ValueError):  # closed, detached: reading it tells what is wrong
        return None
    return fd, offset, max(status.st_size - offset, 0)


def hand_over(worker, exchange, wrapper):
    """Passes the file behind wrapper to Go and waits for its answer. Returns whether Go sends it, or the client disconnected; the
    app's close() is still to be called then. Otherwise its bytes are to be sent, behind the head if that has gone out."""
    if exchange.head is None or exchange.head_out or exchange.cancelled or worker.forked():
        return False
    control = worker.control
    found = regular(wrapper.filelike) if control is not None and control.passes() else None
    if found is None:
        return False
    fd, offset, length = found
    try:
        control.pass_file(frame(FILE, 0, exchange.stream, _span(offset, length)), fd)
    except OSError:  # more descriptors on their way than the system allows, or Go has gone
        return False
    exchange.head_out = True
    exchange.put_head(FILED, b"")
    worker.inbound.wait(exchange, lambda: exchange.filed is not None or exchange.cancelled)
    if exchange.filed is None and not exchange.cancelled:
        exchange.close(wrapper)
        raise ConnectionError("standpipe closed the pipe in the middle of an answer")
    return exchange.filed or exchange.cancelled
