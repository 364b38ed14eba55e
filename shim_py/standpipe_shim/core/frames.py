"""Frames: a header of 12 bytes and a payload (shim/PROTOCOL.md). A Reader cuts them out of a pipe, a Writer writes them to one."""

import os
import struct
from _thread import allocate_lock

try:
    from fcntl import fcntl
except ImportError:
    fcntl = None

HELLO, BOOT, READY, FAILED = 0x01, 0x02, 0x03, 0x04
REQUEST, BODY, HEAD, END, ERROR, WINDOW, LOG, BODY_WANTED = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17
EARLY_HINTS, FILE_TAKEN, FILE_REFUSED = 0x18, 0x19, 0x1A
CANCEL, RECALL, RECALLED, DUMP, STACKS, STOP, INTERRUPT, FILE, MEMORY = 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28
PURGE, PURGED, DEBUG, TERMINAL, DEBUG_END = 0x29, 0x2A, 0x2B, 0x2C, 0x2D
FORK, FORKED, FORK_FAILED = 0x30, 0x31, 0x32

LAST = 0x0001  # flag END: this frame holds the last body bytes of its direction
HOLD = 0x0002  # the answer ends with this frame, the stream with another End: the worker is busy until then
FILED = 0x0004  # flag FILE of a Head: the body is the file that is sent over fd 3
SHARED = 0x0008  # the body bytes lie in the shared memory, and the frame says where

MAGIC = 0xC1
HEADER = 12  # bytes
CHUNK = 64 << 10  # body bytes in one frame from Go, at most
CREDIT = 256 << 10  # body bytes that may be sent on a new stream, per direction
PART = CREDIT  # body bytes in one frame from us, at most
SHARE = 32 << 10  # bytes; a body of this size or more goes into the shared memory
_MIB = 1 << 20

# The largest payload of each kind, in bytes. A kind that is not here is an error.
CEILING = dict.fromkeys((END, BODY_WANTED, FILE_TAKEN, FILE_REFUSED, CANCEL, DUMP, STOP, MEMORY, DEBUG_END), 0)
CEILING.update(dict.fromkeys((HELLO, EARLY_HINTS, FORK_FAILED, PURGED), 64 << 10))
CEILING.update(dict.fromkeys((BOOT, READY, FAILED, ERROR, LOG, STACKS), _MIB))
CEILING.update({REQUEST: 4 + _MIB + CHUNK, BODY: PART, HEAD: 4 + _MIB + PART, WINDOW: 4, INTERRUPT: 1})
CEILING.update({RECALL: 1024, RECALLED: 1024, FILE: 16, FORK: 16, FORKED: 4, PURGE: 256 << 10, DEBUG: 4 << 10, TERMINAL: 4 << 10})

_MAY_END = (REQUEST, BODY, HEAD)
_LEGAL = frozenset(
    [(kind, LAST) for kind in _MAY_END]
    + [(kind, LAST | HOLD) for kind in (BODY, HEAD)]
    + [(kind, HOLD) for kind in (END, ERROR)]
    + [(HEAD, FILED), (REQUEST, LAST | SHARED)]
    + [(kind, SHARED | flags) for kind in (BODY, HEAD) for flags in (0, LAST, LAST | HOLD)]
)

# A pipe holds 64 KiB unless it is asked to hold more (F_SETPIPE_SZ, Linux); a user has 64 MiB in all. The first large body asks.
_F_SETPIPE_SZ = 1031
READ = CHUNK + (4 << 10)  # bytes; a Request with CHUNK of body, and most heads
LARGE = 16 << 10  # bytes; a body of this size or more is not copied behind its head

_header = struct.Struct(">BBHII")
pack_header = _header.pack
_unpack = _header.unpack_from


class ProtocolError(Exception):
    """The bytes are not frames. The worker ends: nothing after them can be trusted."""


def frame(kind, flags, stream, payload=b""):
    return pack_header(MAGIC, kind, flags, stream, len(payload)) + payload


def check(magic, kind, flags, length):
    """Raises ProtocolError unless this can be the header of a frame."""
    if magic != MAGIC:
        raise ProtocolError("a frame begins with 0x%02x instead of 0xc1" % magic)
    if kind not in CEILING:
        raise ProtocolError("unknown kind 0x%02x" % kind)
    if length > CEILING[kind]:
        raise ProtocolError("kind 0x%02x with %d bytes; at most %d" % (kind, length, CEILING[kind]))
    if flags and (kind, flags) not in _LEGAL:
        raise ProtocolError("kind 0x%02x with flags 0x%04x" % (kind, flags))


class Reader:
    """Cuts whole frames out of what a descriptor gives. One thread at a time."""

    def __init__(self, fd, read=os.read):
        self.fd = fd
        self.read = read  # called as read(fd, size)
        self.held = b""  # bytes read; empty when next has returned all of them
        self.at = 0  # how many of them next has returned

    def holds_frame(self):
        """Says whether next would answer without reading."""
        held, at = self.held, self.at + HEADER
        return len(held) >= at and len(held) >= at + _unpack(held, self.at)[4]

    def next(self):
        """Returns (kind, flags, stream, payload), or None at the end of the pipe, also within a frame. Blocks."""
        held = self.held
        while True:
            start = self.at + HEADER
            have = len(held)
            if have >= start:
                magic, kind, flags, stream, length = _unpack(held, start - HEADER)
                if magic != MAGIC or flags > LAST or length > CEILING.get(kind, -1) or (flags and kind not in _MAY_END):
                    check(magic, kind, flags, length)
                end = start + length
                if have > end:
                    self.at = end
                    return kind, flags, stream, held[start:end]
                if have == end:
                    self.held = b""
                    self.at = 0
                    return kind, flags, stream, held[start:]
            got = self.read(self.fd, READ)
            held = (held[self.at :] + got if held else got) if got else b""
            self.held = held
            self.at = 0
            if not got:
                return None


class Writer:
    """Writes whole frames to a descriptor, each with one system call where it fits. Any thread.

    In a process that is not the worker (a fork() in C code runs no hook of Python's) forked() is called instead, which does not
    return. When the other side is gone the worker ends at once."""

    def __init__(self, fd, pid, forked, write=os.write, getpid=os.getpid):
        self._fd = fd
        self._pid = pid
        self._forked = forked
        self._write = write
        self._getpid = getpid
        self._gather = getattr(os, "writev", None) if write is os.write else None
        self._narrow = True  # the pipe has its first size
        lock = allocate_lock()
        self._acquire = lock.acquire  # a with statement costs twice as much
        self._release = lock.release

    def put(self, head, body=b""):
        """Writes one frame. body (bytes, or a memoryview of bytes): its end, which is not copied when it is large."""
        if body and (len(body) < LARGE or self._gather is None):
            head += body
            body = b""
        if self._getpid() != self._pid:
            self._forked()
        self._acquire()
        try:
            if not body:
                done = self._write(self._fd, head)
            else:
                if self._narrow and len(body) > CHUNK:
                    self._narrow = False
                    self._widen()
                done = self._gather(self._fd, (head, body))
            if done != len(head) + len(body):
                rest = memoryview(head + body if done < len(head) else body)
                rest = rest[done if done < len(head) else done - len(head) :]
                while rest:
                    rest = rest[self._write(self._fd, rest) :]
        except BrokenPipeError:
            os._exit(1)
        finally:
            self._release()

    def _widen(self):
        try:
            fcntl(self._fd, _F_SETPIPE_SZ, CREDIT)
        except (OSError, TypeError):  # no Linux, no pipe, no fcntl, or the pipes of this user hold too much already
            pass
