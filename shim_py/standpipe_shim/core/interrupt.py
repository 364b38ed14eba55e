"""Ends what the app does for one request, by an exception from outside.

On the main thread a signal brings it: sleep, recv, lock, select and join end at once, C code that does not return ends when it
does. On other threads it is CPython's asynchronous exception, which ends Python code only; the rest ends with the process.
Imported when the first one is needed, and by workers with threads or greenlets."""

from time import sleep  # taken before gevent may patch it

from .exchange import blocks

try:
    import _signal as signal  # see signals
except ImportError:
    import signal

_AGAIN = 0.05  # seconds between two tries
_TRIES = 600


def pursue(worker, exchange, main):
    """Tries until the exception was raised or the request has ended: at any moment the thread may be in the shim's own code, where
    nothing must strike. Ends by itself, well after Go would have killed the worker."""
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


def set_async(thread, error):
    """Sets the asynchronous exception of a thread; None takes it back. Returns whether this Python has such a thing."""
    try:
        import ctypes

        put = ctypes.pythonapi.PyThreadState_SetAsyncExc
    except (ImportError, AttributeError):  # PyPy
        return False
    put(ctypes.c_ulong(thread), None if error is None else ctypes.py_object(error))
    return True


def each(exchange, result):
    """Yields the blocks of the app's result; the app's code runs in exchange.call."""
    rest = exchange.call(blocks, result)
    while True:
        try:
            block = exchange.call(next, rest)
        except StopIteration:
            return
        yield block
