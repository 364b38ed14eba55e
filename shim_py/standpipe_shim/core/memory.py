"""Memory that this worker shares with Go: large bodies lie in it and do not cross the pipe ("Shared memory" of shim/PROTOCOL.md).
Imported at the first large body."""

import os
import struct
from _thread import allocate_lock

from .frames import CHUNK, MEMORY, PART, ProtocolError, frame

_MARKS = 64  # octets; where the marks begin, four octets for each block
_PARTS = 16  # blocks of PART, for answers
_INLINES = 8  # blocks of CHUNK behind them, for requests
_START = 4096
_SIZE = _START + _PARTS * PART + _INLINES * CHUNK

_F_ADD_SEALS, _SEALS = 1033, 0x0001 | 0x0002 | 0x0004  # SEAL, SHRINK, GROW: Go maps nothing that could become shorter
_MFD_ALLOW_SEALING = 0x0002

_ref = struct.Struct(">II")


def make(control):
    """Returns Shared, of which Go has been told, or None where there can be none."""
    if not hasattr(os, "memfd_create") or control is None or not control.passes():
        return None
    try:
        from fcntl import fcntl
        from mmap import mmap

        fd = os.memfd_create("standpipe", os.MFD_CLOEXEC | _MFD_ALLOW_SEALING)
        try:
            os.ftruncate(fd, _SIZE)
            fcntl(fd, _F_ADD_SEALS, _SEALS)
            memory = memoryview(mmap(fd, _SIZE))  # a slice of PyPy's mmap takes bytes alone
            control.pass_file(frame(MEMORY, 0, 0), fd)
        finally:
            os.close(fd)
    except (ImportError, OSError, ValueError):  # a limit of the app's, a kernel that has no such thing
        return None
    return Shared(memory)


class Shared:
    """Blocks for parts of answers, which this side fills and Go clears, and for bodies of requests, the other way round. A block
    is in use while its mark is not zero."""

    def __init__(self, memory):
        self._memory = memory
        self._pid = os.getpid()
        lock = allocate_lock()
        self._acquire = lock.acquire
        self._release = lock.release

    def put(self, body):
        """Copies a part of an answer into a block and returns what stands for it in a frame. None: it has to cross the pipe. The
        block is taken by then: the frame must go out."""
        memory = self._memory
        if not memory[0] or os.getpid() != self._pid:  # Go does not know of it yet; it is the worker's
            return None
        self._acquire()
        for block in range(_PARTS):
            mark = _MARKS + 4 * block
            if not memory[mark]:
                memory[mark] = 1
                break
        else:
            block = None
        self._release()
        if block is None:
            return None
        size = len(body)
        at = _START + block * PART
        try:
            memory[at : at + size] = body
        except BaseException:  # a signal handler of the app's raised, or there is a body that cannot be copied
            memory[mark] = 0
            raise
        return _ref.pack(block, size)

    def take(self, payload):
        """Returns a Request's payload without what stands for its body, and the body."""
        try:
            block, size = _ref.unpack_from(payload, len(payload) - _ref.size)
        except struct.error:
            raise ProtocolError("a Request without its body's place") from None
        inline = block - _PARTS
        if not (0 <= inline < _INLINES and 0 < size <= CHUNK):
            raise ProtocolError("a body of %d octets in block %d" % (size, block))
        at = _START + _PARTS * PART + inline * CHUNK
        body = bytes(self._memory[at : at + size])
        self._memory[_MARKS + 4 * block] = 0
        return payload[: -_ref.size], body
