"""--preload: a process that has imported the app, and forks a worker for each order that comes on fd 3.

A worker is a child of Go's (see forking), and Go learns from waitpid how it ended. The template has one thread: others would not
live on in what it forks, and what they hold would stay locked there."""

import gc
import os
import struct
import sys
from _thread import get_ident

from ..core import output
from ..core.frames import FORK, FORK_FAILED, FORKED, ProtocolError, Reader, frame
from ..core.packing import pack
from ..core.report import names_of_threads
from . import Failure
from .forking import fork, forker
from .stdio import private, shorten

try:
    import _signal as signal  # see signals
except ImportError:
    import signal

_FDS = 6  # in an order: those of 0 to 5
_number = struct.Struct("=i")
_HELD = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGURG", "SIGUSR2") if hasattr(signal, name))


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
    """Forks workers until fd 3 ends, and returns None then. In each worker it returns the nonce that it has to say; worker has the
    new pipes there, and has said nothing yet."""
    _log_threads(worker)
    make, why = prepared
    if why:
        text = "the functions that the app gave to os.register_at_fork run twice, in a process between template and worker too, because "
        worker.log.put("warn", "preload_forks_twice", text + "ctypes does not work here: " + why)
    # What there is now stays: the collector writes into each object that it looks at, and what was written to is shared no more.
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
            raise ProtocolError("kind 0x%02x of %d bytes with %d descriptors is no order to a template" % (kind, len(nonce), len(fds)))
        output.flush_all()  # else the worker would write it again
        held = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)  # a worker without its handlers must not get them
        try:
            pid = make()
            if pid == 0:
                orders.forget()
                worker.signals.held = held
                _become(worker, fds)
                return nonce
            answer = frame(FORKED, 0, 0, struct.pack(">I", pid))
        except OSError as error:
            answer = frame(FORK_FAILED, 0, 0, pack(str(error)))
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        for fd in fds:
            os.close(fd)
        try:
            os.write(worker.pipes.control, answer)
        except ConnectionError:
            return None


def settle(worker, boot, title):
    """Does in the worker what its own Boot says. title: the template's."""
    os.environ["STANDPIPE_WORKER"] = str(boot["worker"])
    output.child = False  # it is a worker, with an output of its own
    output.arm(boot["tag"])
    for stream in output.ours:
        if isinstance(stream, output.Lines):
            stream.place = output.place(stream.fd)
    if not title:
        return
    new = "standpipe: %s/%d gen %d" % (boot["name"], boot["worker"] + 1, boot["generation"])
    shorten(new)
    try:
        _retitle(os.fsencode(title), os.fsencode(new))
    except (OSError, ValueError, IndexError, OverflowError) as error:
        text = "this worker is shown under its template's name: %s: %s" % (type(error).__name__, error)
        worker.log.put("debug", "process_name", text)


def _retitle(old, new):
    """Writes new over old, the title that the process was started with. By files of /proc: ctypes would cost some milliseconds."""
    if len(new) > len(old):
        raise ValueError("%r does not fit in the place of %r" % (new, old))
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


class _Orders:
    """Bytes and descriptors from fd 3."""

    def __init__(self, fd):
        import _socket  # the module socket would bring in selectors and enum

        self._module = _socket
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fd)
        self._fds = []

    def receive(self, fd, size):
        m = self._module
        data, parts, _, _ = self._socket.recvmsg(size, m.CMSG_SPACE(16 * _number.size), getattr(m, "MSG_CMSG_CLOEXEC", 0))
        for level, kind, rights in parts:
            if level == m.SOL_SOCKET and kind == m.SCM_RIGHTS:
                for (number,) in _number.iter_unpack(rights[: len(rights) - len(rights) % _number.size]):
                    os.set_inheritable(number, False)
                    self._fds.append(number)
        return data

    def take(self):
        fds, self._fds = self._fds, []
        return fds

    def forget(self):
        """The descriptor is closed, and its number will be another's: this object must not close it again."""
        self._socket.detach()


def _become(worker, fds):
    """Makes the forked process a worker. The hook of signals has closed the template's descriptors."""
    try:
        os.setpgid(0, 0)
    except OSError:
        pass
    worker.preload = False
    requests, answers, written, control, life, stacks = fds
    requests, answers = _moved(requests, private), _moved(answers, private)
    for fd in _same(2, keep=fds):  # 1 and 2, and what the app's import has opened on them: a log handler's copy of 2, /dev/stderr
        os.dup2(written, fd, fd <= 2 or os.get_inheritable(fd))
    os.close(written)
    worker.pipes.set(requests, answers, _placed(control, 3), _placed(life, 4), _placed(stacks, 5))
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None:
        processes._children = set()  # the template's: at its exit a worker would end the daemons among them
    gevent = sys.modules.get("gevent")
    if gevent is not None:
        gevent.reinit()


def _same(fd, keep):
    """Returns 1, 2 and the other descriptors of the file behind fd, but none of keep."""
    there = output.place(fd)
    found = {1, 2}
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        numbers = range(3, 256)
    if there is not None and there != output.place(0):  # 0 is /dev/null
        found.update(number for number in numbers if number > 2 and number not in keep and output.place(number) == there)
    return found


def _moved(fd, make):
    made = make(fd)
    os.close(fd)
    return made


def _placed(fd, number):
    if fd == number:
        return fd
    try:
        os.fstat(number)
    except OSError:
        return _moved(fd, lambda fd: os.dup2(fd, number, False))
    return _moved(fd, private)  # the app has something there: a wrapper had lost ours


def _log_threads(worker):
    """One warning when the import has left threads behind."""
    own, names = get_ident(), names_of_threads()
    others = [names.get(ident, "one without a name") for ident in sys._current_frames() if ident != own]
    try:
        native = len(os.listdir("/proc/self/task")) - len(others) - 1
    except OSError:
        native = 0
    if native > 0:
        others.append("%d of C libraries" % native)
    if others:
        text = (
            "the app's import has left threads that will not be there in the workers: %s; what they hold locked stays locked. "
            "Start them in a function given to standpipe.on_fork"
        )
        worker.log.put("warn", "preload_threads", text % ", ".join(others))
