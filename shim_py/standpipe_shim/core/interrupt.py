"""Ends what the app is doing for one request, by an exception that comes from outside.

Where requests run on the main thread a signal brings it: sleep, recv, lock, select and join end at once, C code that holds on
ends at its own end. On other threads it is CPython's asynchronous exception, which ends Python code only; the rest ends with
the process. Imported when the first one is needed, and by workers with threads."""

from _thread import allocate_lock, get_ident
from time import sleep  # taken before gevent may patch it

try:
    import _signal as signal  # see signals
except ImportError:
    import signal

from .exchange import Exchange, _blocks

_AGAIN = 0.05  # seconds between two tries
_TRIES = 600


def pursue(worker, exchange, main):
    """Tries until the exception was raised or the request has ended: at any one moment the thread may be in the shim's own
    code, where nothing must strike. Ends by itself, well after Go would have killed the worker."""
    for _ in range(_TRIES):
        if exchange.raised or worker.streams.get(exchange.stream) is not exchange:
            return
        if exchange.threaded:
            exchange.throw()
        elif not hasattr(signal, "pthread_kill") or not hasattr(signal, "SIGURG"):
            return
        elif worker.running is exchange:
            signal.pthread_kill(main, signal.SIGURG)
        sleep(_AGAIN)


class Threaded(Exchange):
    """An Exchange that runs on one of N threads. An asynchronous exception strikes at any point of Python code, and one that
    came late would strike whatever the thread does next. So it is set only under the lock, while the thread is in the app's
    code, and taken back when the thread leaves it: a frame that is being written is never cut."""

    threaded = True
    thread = 0  # 0: it does not run yet

    def __init__(self, stream, worker):
        self.stream = stream
        self._worker = worker
        self._border = allocate_lock()
        self.inside = False

    def throw(self):
        """Any thread."""
        with self._border:
            if self.inside and not self.raised:
                self.raised = _set(self.thread, self.interrupt)

    def enter(self):
        with self._border:
            self.inside = not self.over or bool(self.held)

    def leave(self):
        with self._border:
            self.inside = False
            if self.raised:
                _set(self.thread, None)

    def step_out(self):
        """A leave that takes nothing back: what is under way strikes here, where no lock is held, and later nothing does. An app
        that prints without end would otherwise never be struck."""
        with self._border:
            self.inside = False
        for _ in (1, 2):  # CPython raises it at a jump backwards, if not before
            pass

    def step_in(self):
        """An enter that makes up for what could not strike meanwhile."""
        with self._border:
            due = self.interrupt is not None and not self.raised
            self.raised = self.raised or due
            self.inside = True
        if due:
            self.end_now()

    def call(self, function, *args):
        if not self.thread:
            self.thread = get_ident()
        with self._border:
            self.inside = True
        try:
            return function(*args)
        finally:
            self.leave()

    def each(self, result):
        blocks = self.call(_blocks, result)
        while True:
            try:
                block = self.call(next, blocks)
            except StopIteration:
                return
            yield block


def _set(thread, error):
    """Sets a thread's asynchronous exception; None takes it back. Returns whether there is such a thing here."""
    try:
        import ctypes

        put = ctypes.pythonapi.PyThreadState_SetAsyncExc
    except (ImportError, AttributeError):  # PyPy
        return False
    put(ctypes.c_ulong(thread), None if error is None else ctypes.py_object(error))
    return True
