"""fd 4, the life pipe, and fd 3, Go's orders.

The control thread is a _thread, not a threading.Thread: gevent's patches reach the latter. It blocks in os.read without the
GIL, so it costs requests nothing. It ends with the process, or when fd 3 turns out not to be ours."""

import errno
import os
import struct
import sys
from _thread import allocate_lock, start_new_thread

from .frames import CANCEL, DUMP, INTERRUPT, RECALL, RECALLED, STACKS, STOP, ProtocolError, Reader, frame
from .output import say

_SIGKILL = 9
_F_SETSIG = 10  # Linux; the module fcntl names it only where it was built to
_O_ASYNC = 0o20000


def die():
    """SIGKILL for the worker and all it has started. Where a wrapper leads the process group, the group is not ours to kill
    and the worker dies alone."""
    if not hasattr(os, "killpg"):
        os._exit(1)
    if os.getpgrp() == os.getpid():
        os.killpg(0, _SIGKILL)
    os.kill(os.getpid(), _SIGKILL)


def arm(life):
    """Has the kernel kill the process group when the other end of life is closed: GIL held or not, children included.
    Returns whether it will (Linux only)."""
    if life < 0 or not sys.platform.startswith("linux"):
        return False
    import fcntl

    pid = os.getpid()
    try:
        fcntl.fcntl(life, fcntl.F_SETOWN, -pid if os.getpgrp() == pid else pid)
        fcntl.fcntl(life, getattr(fcntl, "F_SETSIG", _F_SETSIG), _SIGKILL)
        flags = fcntl.fcntl(life, fcntl.F_GETFL)
        fcntl.fcntl(life, fcntl.F_SETFL, flags | getattr(os, "O_ASYNC", _O_ASYNC) | os.O_NONBLOCK)
    except OSError:
        return False
    # If the writer left before O_ASYNC was set, no signal will come.
    try:
        if os.read(life, 1) == b"":
            die()
    except BlockingIOError:
        pass
    return True


class Control:
    """Reads Go's orders on fd 3. worker's cancel, interrupt, recall and stop are called in its thread, and stacks(stream) -> str."""

    def __init__(self, worker, stacks):
        self._pipes = pipes = worker.pipes
        self._worker = worker
        self._stacks = stacks
        self._write = os.write
        self._reader = Reader(pipes.control)
        self._lock = allocate_lock()  # of writing
        self._socket = None

    def start(self):
        if self._pipes.control >= 0:
            try:
                # Now: a socket.setdefaulttimeout of the app's would make fd 3 non-blocking. _socket is what gevent leaves alone.
                import _socket

                self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, self._pipes.control)
                self._rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS)
                self._send = self._socket.sendmsg
            except (ImportError, AttributeError, OSError):
                self._socket = None  # files are streamed
            start_new_thread(self._run, ())

    def passes(self):
        """Says whether pass_file can work; not in a forked child, which has no fd 3 any more."""
        return self._socket is not None and self._pipes.control >= 0

    def pass_file(self, octets, fd):
        """Writes a frame with a descriptor. Any thread. OSError: nothing was written."""
        descriptor = fd.to_bytes(4, sys.byteorder)
        with self._lock:
            done = self._send([octets], [self._rights + (descriptor,)])
            self._rest(memoryview(octets)[done:])

    def _say(self, octets):
        with self._lock:
            self._rest(memoryview(octets))

    def _rest(self, octets):
        while octets:
            octets = octets[self._write(self._pipes.control, octets) :]

    def _run(self):
        try:
            while True:
                order = self._reader.next()
                if order is None:
                    die()
                self._obey(*order)
        except ProtocolError as error:
            say("standpipe: the control socket is out of step: %s\n" % error)
            die()
        except OSError as error:
            # A socketpair whose other end died with octets unread says ECONNRESET; all else means that fd 3 is not ours.
            if error.errno in (errno.ECONNRESET, errno.EPIPE):
                die()

    def _obey(self, kind, flags, stream, payload):
        if kind == CANCEL:
            self._worker.cancel(stream)
        elif kind == INTERRUPT:
            if payload not in (b"\x01", b"\x02"):
                raise ProtocolError("an Interrupt for the cause %r" % payload)
            self._worker.interrupt(stream, payload[0])
        elif kind == STOP:
            self._worker.stop()
        elif kind == DUMP:
            from .packing import pack

            self._say(frame(STACKS, 0, 0, pack(self._stacks(stream))))
        elif kind == RECALL:
            if len(payload) % 4:
                raise ProtocolError("a Recall of %d octets" % len(payload))
            count = len(payload) // 4
            given = self._worker.recall(struct.unpack(">%dI" % count, payload))
            self._say(frame(RECALLED, 0, 0, struct.pack(">%dI" % len(given), *given)))
        else:
            raise ProtocolError("kind 0x%02x is no order" % kind)
