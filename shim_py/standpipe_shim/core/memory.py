"""Memory that this worker and Go share: large bodies lie in it and do not cross the pipe ("Shared memory" of shim/PROTOCOL.md).
Imported at the first large body."""

import os
import struct
from _thread import allocate_lock

from .frames import CHUNK, MAGIC, MEMORY, PART, SHARED, ProtocolError, frame, pack_header

_MARKS = 64  # where the marks begin, in bytes; a mark has four
_PARTS = 16  # blocks of PART, for answers
_INLINES = 8  # blocks of CHUNK behind them, for requests
_START = 4096
SIZE = _START + _PARTS * PART + _INLINES * CHUNK

_F_ADD_SEALS, _SEALS = 1033, 0x0001 | 0x0002 | 0x0004  # SEAL, SHRINK, GROW: Go maps nothing that could become shorter
_MFD_ALLOW_SEALING = 0x0002

_ref = struct.Struct(">II")


def put_shared(worker, kind, flags, stream, head, body):
    """Sends a Head or a Body whose body is in the shared memory; head: the part of the payload before it. False: the body has to
    cross the pipe."""
    memory = share(worker) if worker.memory is None else worker.memory
    ref = memory and memory.put(body)
    if not ref:
        return False
    worker.put(pack_header(MAGIC, kind, flags | SHARED, stream, len(head) + len(ref)) + head + ref)
    return True


def share(worker):
    """Makes the memory of a worker, and returns it. Any thread; only the first call tries. False: there is none, or not yet."""
    if not worker.share(False):
        return False
    worker.memory = _make(worker.control) or False
    return worker.memory


def _make(control):
    """Returns a Memory whose descriptor Go has been sent, or None where there can be none."""
    if not hasattr(os, "memfd_create") or control is None or not control.passes():
        return None
    try:
        from fcntl import fcntl
        from mmap import mmap

        fd = os.memfd_create("standpipe", os.MFD_CLOEXEC | _MFD_ALLOW_SEALING)
        try:
            os.ftruncate(fd, SIZE)
            fcntl(fd, _F_ADD_SEALS, _SEALS)
            view = memoryview(mmap(fd, SIZE))  # a slice of PyPy's mmap takes bytes alone
            control.pass_file(frame(MEMORY, 0, 0), fd)
        finally:
            os.close(fd)
    except (ImportError, OSError, ValueError):  # a limit of the app's, a kernel that has no such thing
        return None
    return Memory(view)


class Memory:
    """Blocks for parts of answers, which this side fills and Go clears, and for bodies of requests, the other way round. A block is
    in use while its mark is not zero."""

    def __init__(self, view):
        self._view = view
        self._pid = os.getpid()
        self._lock = allocate_lock()

    def put(self, body):
        """Copies a part of an answer into a block and returns the reference to it for the frame. None: the body has to cross the
        pipe. Otherwise the block is taken, and the frame must go out."""
        view = self._view
        if not view[0] or os.getpid() != self._pid:  # Go does not know of it yet; it belongs to the worker
            return None
        with self._lock:
            block = next((block for block in range(_PARTS) if not view[_MARKS + 4 * block]), None)
            if block is None:
                return None
            view[_MARKS + 4 * block] = 1
        at = _START + block * PART
        try:
            view[at : at + len(body)] = body
        except BaseException:  # a signal handler of the app raised, or the body cannot be copied
            view[_MARKS + 4 * block] = 0
            raise
        return _ref.pack(block, len(body))

    def take(self, payload):
        """Returns the payload of a Request without the reference to its body, and the body."""
        try:
            block, size = _ref.unpack_from(payload, len(payload) - _ref.size)
        except struct.error:
            raise ProtocolError("a Request without the place of its body") from None
        inline = block - _PARTS
        if not (0 <= inline < _INLINES and 0 < size <= CHUNK):
            raise ProtocolError("a body of %d bytes in block %d" % (size, block))
        at = _START + _PARTS * PART + inline * CHUNK
        body = bytes(self._view[at : at + size])
        self._view[_MARKS + 4 * block] = 0
        return payload[: -_ref.size], body
