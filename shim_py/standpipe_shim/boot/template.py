"""--preload: a process that has imported the app, and forks a worker for each order that comes on fd 3.

A worker is a child of Go's (see forking), and Go learns from waitpid how it ended. The template has one thread: others would
not live on in what it forks, and what they hold would stay locked there."""

import gc
import os
import struct
import sys
from _thread import get_ident

try:
    import _signal as signal  # see signals
except ImportError:
    import signal

from ..core import output
from ..core.frames import FORK, FORK_FAILED, FORKED, ProtocolError, Reader, frame
from . import title
from .forking import fork, forker
from .loader import Failure
from .stdio import adopt

_FDS = 6  # in an order: those of 0 to 5
_number = struct.Struct("=i")


def prepare(pipes):
    """Before the app is imported, whose folder may hold modules with any name. Raises Failure where there can be no template.
    Returns what wait needs."""
    why = ""
    if sys.implementation.name != "cpython" or fork is None or not sys.platform.startswith("linux"):
        why = "preload works with CPython on Linux only, and this is %s on %s" % (sys.implementation.name, sys.platform)
    elif pipes.control < 0:
        why = "preload needs file descriptor 3, which the interpreter's command does not hand on; name the real python instead"
    if why:
        raise Failure("preload", why + " (or leave preload out)")
    return forker()


def wait(worker, prepared):
    """Forks workers until fd 3 ends, and returns None then. In each worker it returns the nonce that it has to say; worker has
    the new pipes there, and talks to nobody yet."""
    _tell_of_threads(worker)
    make, why = prepared
    if why:
        message = (
            "the functions that the app gave to os.register_at_fork run twice, in a process between template and worker too, because "
            "ctypes does not work here: %s" % why
        )
        worker.log.put("warn", "preload_forks_twice", message)
    # What there is now is there to stay: the collector writes into each object that it looks at, and what was written to is
    # shared no more.
    gc.collect()
    gc.freeze()
    orders = _Orders(worker.pipes.control)
    reader = Reader(worker.pipes.control, orders.receive)
    while True:
        try:
            order = reader.next()
        except ConnectionError:
            return None
        if order is None:
            return None
        kind, _, _, nonce = order
        fds = orders.take()
        if kind != FORK or len(nonce) != 16 or len(fds) != _FDS:
            raise ProtocolError("kind 0x%02x of %d octets with %d descriptors is no order to a template" % (kind, len(nonce), len(fds)))
        output.flush_all()  # else the worker would write it again
        held = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)  # a worker without its handlers must not hear them
        try:
            pid = make()
            if pid == 0:
                orders.forget()
                worker.signals.held = held
                _become(worker, fds)
                return nonce
            answer = frame(FORKED, 0, 0, struct.pack(">I", pid))
        except OSError as error:
            from ..core.packing import pack

            answer = frame(FORK_FAILED, 0, 0, pack(str(error)))
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        for fd in fds:
            os.close(fd)
        try:
            os.write(worker.pipes.control, answer)
        except ConnectionError:
            return None


def settle(worker, boot, named):
    """Does in the worker what its own Boot says."""
    os.environ["STANDPIPE_WORKER"] = str(boot["worker"])
    output.adopt(boot["tag"])
    why = title.change(named, "standpipe: %s/%d gen %d" % (boot["name"], boot["worker"] + 1, boot["generation"]))
    if why:
        worker.log.put("debug", "process_name", "this worker is shown under its template's name: " + why)


class _Orders:
    """Octets and descriptors from fd 3."""

    def __init__(self, fd):
        import _socket  # the module socket would bring in selectors and enum

        self._module = _socket
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fd)
        self._fds = []

    def receive(self, fd, size):
        m = self._module
        octets, parts, _, _ = self._socket.recvmsg(size, m.CMSG_SPACE(16 * _number.size), getattr(m, "MSG_CMSG_CLOEXEC", 0))
        for level, kind, data in parts:
            if level == m.SOL_SOCKET and kind == m.SCM_RIGHTS:
                for (number,) in _number.iter_unpack(data[: len(data) - len(data) % _number.size]):
                    os.set_inheritable(number, False)
                    self._fds.append(number)
        return octets

    def take(self):
        fds, self._fds = self._fds, []
        return fds

    def forget(self):
        """The descriptor is closed, and its number will be another's: this object must not close it again."""
        self._socket.detach()


_HELD = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGURG", "SIGUSR2") if hasattr(signal, name))


def _become(worker, fds):
    """Makes the forked process a worker. The hook of signals has closed the template's descriptors."""
    try:
        os.setpgid(0, 0)
    except OSError:
        pass
    worker.preload = False
    adopt(worker.pipes, fds)
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None:
        processes._children = set()  # the template's: at its exit a worker would end the daemons among them
    gevent = sys.modules.get("gevent")
    if gevent is not None:
        gevent.reinit()


def _tell_of_threads(worker):
    """One warning when the import has left threads behind."""
    own = get_ident()
    others = [ident for ident in sys._current_frames() if ident != own]
    threading = sys.modules.get("threading")
    names = {}
    if threading is not None:
        names = {thread.ident: thread.name for thread in list(threading._active.values())}
    told = [names.get(ident, "one without a name") for ident in others]
    try:
        native = len(os.listdir("/proc/self/task")) - len(others) - 1
    except OSError:
        native = 0
    if native > 0:
        told.append("%d of C libraries" % native)
    if told:
        message = (
            "the app's import has left threads that will not be there in the workers: %s; what they hold locked stays locked. "
            "Start them in a function given to standpipe_shim.on_fork" % ", ".join(told)
        )
        worker.log.put("warn", "preload_threads", message)
