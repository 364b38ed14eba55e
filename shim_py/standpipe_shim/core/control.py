"""fd 4, the life pipe, and fd 3, Go's orders.

The control thread is a _thread and not a threading.Thread, which gevent patches. It blocks in os.read without the GIL. It ends with
the process, or when fd 3 turns out not to be ours."""

import errno
import os
import struct
import sys
from _thread import allocate_lock, start_new_thread

from .frames import CANCEL, DUMP, INTERRUPT, PURGED, RECALL, RECALLED, STACKS, STOP, TERMINAL, ProtocolError, Reader, frame
from .output import say
from .packing import pack

_SIGKILL = 9
_F_SETSIG = 10  # Linux; the module fcntl has the name only where it was built with it
_O_ASYNC = 0o20000


def die():
    """SIGKILL for the worker and all that it has started. Where a wrapper leads the process group the worker dies alone."""
    if not hasattr(os, "killpg"):
        os._exit(1)
    if os.getpgrp() == os.getpid():
        os.killpg(0, _SIGKILL)
    os.kill(os.getpid(), _SIGKILL)


def arm(life):
    """Has the kernel kill the process group when the other end of life is closed. Returns whether it will (Linux only)."""
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
    """Reads Go's orders on fd 3, in a thread of its own, and has the worker carry them out."""

    def __init__(self, worker):
        self._pipes = worker.pipes
        self._worker = worker
        self._reader = Reader(worker.pipes.control)
        self._lock = allocate_lock()  # of writing
        self._socket = None
        self.asked = {}  # number -> purging.Call or dev.session.Session, without an answer
        self._number = 0

    def start(self):
        if self._pipes.control >= 0:
            try:
                # Now: a socket.setdefaulttimeout of the app would make fd 3 non-blocking. gevent does not patch _socket.
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

    def pass_file(self, message, fd):
        """Writes a frame with a descriptor. Any thread. OSError: nothing was written."""
        descriptor = fd.to_bytes(4, sys.byteorder)
        with self._lock:
            done = self._send([message], [self._rights + (descriptor,)])
            self._write(message[done:])

    def say(self, message):
        with self._lock:
            self._write(message)

    def expect(self, call, most):
        """Returns the number of a Purge or a Debug, whose answer call.settle will get. 0: most have no answer."""
        with self._lock:
            if len(self.asked) >= most:
                return 0
            self._number = self._number % 0xFFFFFFFF + 1
            self.asked[self._number] = call
            return self._number

    def _write(self, message, write=os.write):
        while message:
            message = message[write(self._pipes.control, message) :]

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
            # A socketpair whose other end died with bytes unread says ECONNRESET; every other error means that fd 3 is not ours.
            if error.errno in (errno.ECONNRESET, errno.EPIPE):
                die()

    def _obey(self, kind, flags, stream, payload):
        worker = self._worker
        if kind == CANCEL:
            worker.cancel(stream)
        elif kind == INTERRUPT:
            if payload not in (b"\x01", b"\x02"):
                raise ProtocolError("an Interrupt for the cause %r" % payload)
            worker.interrupt(stream, payload[0])
        elif kind == STOP:
            worker.stop()
        elif kind == DUMP:
            self.say(frame(STACKS, 0, 0, pack(worker.stacks(stream))))
        elif kind in (PURGED, TERMINAL):
            call = self.asked.pop(stream, None)
            if call is not None:
                call.settle(payload)
        elif kind == RECALL:
            if len(payload) % 4:
                raise ProtocolError("a Recall of %d bytes" % len(payload))
            given = worker.recall(struct.unpack(">%dI" % (len(payload) // 4), payload))
            self.say(frame(RECALLED, 0, 0, struct.pack(">%dI" % len(given), *given)))
        else:
            raise ProtocolError("kind 0x%02x is no order" % kind)
