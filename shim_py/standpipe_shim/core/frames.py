"""Frames: a 12-byte header and a payload (shim/PROTOCOL.md). Reader cuts them out of a pipe, Writer puts them into one."""

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
FORK, FORKED, FORK_FAILED = 0x30, 0x31, 0x32

LAST = 0x0001  # flag END: this frame holds the last body octets of its direction
HOLD = 0x0002  # the answer ends with this frame, the stream with a further End: the worker is busy until then
FILED = 0x0004  # flag FILE of a Head: the body is the file that goes over fd 3
SHARED = 0x0008  # the body octets lie in the shared memory, and the frame says where

MAGIC = 0xC1
HEADER = 12  # octets
CHUNK = 64 << 10  # body octets in one frame of Go's, at most
CREDIT = 256 << 10  # body octets that may be sent on a new stream, per direction
PART = CREDIT  # body octets in one frame of ours, at most
_HEAD_SIZE = 1 << 20

# Payload ceilings in octets. A kind that is not here is an error.
CEILING = {
    HELLO: 64 << 10,
    BOOT: 1 << 20,
    READY: 1 << 20,
    FAILED: 1 << 20,
    REQUEST: 4 + _HEAD_SIZE + CHUNK,
    BODY: PART,
    HEAD: 4 + _HEAD_SIZE + PART,
    END: 0,
    ERROR: 1 << 20,
    WINDOW: 4,
    LOG: 1 << 20,
    BODY_WANTED: 0,
    EARLY_HINTS: 64 << 10,
    FILE_TAKEN: 0,
    FILE_REFUSED: 0,
    CANCEL: 0,
    RECALL: 1024,
    RECALLED: 1024,
    DUMP: 0,
    STACKS: 1 << 20,
    STOP: 0,
    INTERRUPT: 1,
    FILE: 16,
    MEMORY: 0,
    FORK: 16,
    FORKED: 4,
    FORK_FAILED: 64 << 10,
}
_MAY_END = (REQUEST, BODY, HEAD)
_LEGAL = frozenset(
    [(kind, LAST) for kind in _MAY_END]
    + [(kind, LAST | HOLD) for kind in (BODY, HEAD)]
    + [(kind, HOLD) for kind in (END, ERROR)]
    + [(HEAD, FILED), (REQUEST, LAST | SHARED)]
    + [(kind, SHARED | flags) for kind in (BODY, HEAD) for flags in (0, LAST, LAST | HOLD)]
)

# A pipe holds 64 KiB unless it is asked to hold more (F_SETPIPE_SZ, Linux), and an unprivileged user has 64 MiB in all. So
# the first large body asks, and where there is no more it has to do without.
_F_SETPIPE_SZ = 1031
_READ = CHUNK + (4 << 10)  # octets; a Request with CHUNK of body, and most heads
SHARE = 32 << 10  # octets from which on a body goes into the shared memory
_LARGE = 16 << 10  # octets from which on a body is not copied behind its head

_header = struct.Struct(">BBHII")
_pack = pack_header = _header.pack
_unpack = _header.unpack_from


class ProtocolError(Exception):
    """The octets are not frames. Nobody looks for the next header: the worker ends."""


def frame(kind, flags, stream, payload=b""):
    return _pack(MAGIC, kind, flags, stream, len(payload)) + payload


def check(magic, kind, flags, length):
    """Raises ProtocolError unless this can be a frame's header."""
    if magic != MAGIC:
        raise ProtocolError("a frame begins with 0x%02x instead of 0xc1" % magic)
    if kind not in CEILING:
        raise ProtocolError("unknown kind 0x%02x" % kind)
    if length > CEILING[kind]:
        raise ProtocolError("kind 0x%02x with %d octets; at most %d" % (kind, length, CEILING[kind]))
    if flags and (kind, flags) not in _LEGAL:
        raise ProtocolError("kind 0x%02x with flags 0x%04x" % (kind, flags))


class Reader:
    """Cuts whole frames out of what a descriptor gives. One thread at a time."""

    def __init__(self, fd, read=os.read):
        self._fd = fd
        self._read = read
        self.held = b""  # octets read; empty when all of them have been handed out
        self._at = 0  # how many of them have been handed out

    def read_by(self, read):
        """Has next call read(fd, size) from now on."""
        self._read = read

    def holds_frame(self, wanted=None):
        """Says whether next would answer without reading; wanted: with a frame of this kind."""
        held = self.held
        if not held:
            return False
        at = self._at + HEADER
        if len(held) < at:
            return False
        _, kind, _, _, length = _unpack(held, self._at)
        return len(held) >= at + length and (wanted is None or wanted == kind)

    def next(self):
        """Returns (kind, flags, stream, payload), or None at the end of the pipe. Blocks. A frame cut short by the end of
        the pipe is the end: who wrote it is gone."""
        held = self.held
        while True:
            start = self._at + HEADER
            have = len(held)
            if have >= start:
                magic, kind, flags, stream, length = _unpack(held, start - HEADER)
                if magic != MAGIC or flags > LAST or length > CEILING.get(kind, -1) or (flags and kind not in _MAY_END):
                    check(magic, kind, flags, length)
                end = start + length
                if have > end:
                    self._at = end
                    return kind, flags, stream, held[start:end]
                if have == end:
                    self.held = b""
                    self._at = 0
                    return kind, flags, stream, held[start:]
            got = self._read(self._fd, _READ)
            if not got:
                self.held = b""
                self._at = 0
                return None
            held = held[self._at :] + got if held else got
            self.held = held
            self._at = 0


class Writer:
    """Puts whole frames into a descriptor: one os.write for each that fits. Any thread.

    A process that is not the worker (a fork by C code runs no hook of Python's) never gets a frame out: forked() is called
    instead, and does not return. When the other side is gone the worker ends at once: nobody can hear it."""

    def __init__(self, fd, pid, forked, write=os.write, getpid=os.getpid):
        self._fd = fd
        self._pid = pid
        self._forked = forked
        self._write = write
        self._getpid = getpid
        self._gather = getattr(os, "writev", None) if write is os.write else None
        self._narrow = True  # widen was not called
        lock = allocate_lock()
        self._acquire = lock.acquire  # a with statement costs twice as much
        self._release = lock.release

    def put(self, octets):
        if self._getpid() != self._pid:
            self._forked()
        self._acquire()
        try:
            done = self._write(self._fd, octets)
            if done != len(octets):
                rest = memoryview(octets)[done:]
                while rest:
                    rest = rest[self._write(self._fd, rest) :]
        except BrokenPipeError:
            os._exit(1)
        finally:
            self._release()

    def put_with(self, head, body):
        """Puts a frame of which body (bytes or a memoryview of bytes) is the end."""
        size = len(head) + len(body)
        if size < _LARGE or self._gather is None:
            self.put(head + body)
            return
        if self._getpid() != self._pid:
            self._forked()
        self._acquire()
        try:
            if self._narrow and size > CHUNK:
                self._narrow = False
                widen(self._fd)
            done = self._gather(self._fd, (head, body))
            if done < len(head):
                body = memoryview(head[done:] + body)
            elif done < size:
                body = memoryview(body)[done - len(head) :]
            else:
                return
            while body:
                body = body[self._write(self._fd, body) :]
        except BrokenPipeError:
            os._exit(1)
        finally:
            self._release()


def widen(fd):
    """Has the pipe hold a whole window, if the kernel lets it."""
    if fcntl is not None:
        try:
            fcntl(fd, _F_SETPIPE_SZ, CREDIT)
        except OSError:  # no Linux, no pipe, or this user's pipes hold too much already
            pass
