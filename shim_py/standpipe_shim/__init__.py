"""The Python half of standpipe: one worker process that serves one WSGI app over pipes. shim/PROTOCOL.md describes what it says to
Go, and shim_py/doc.go maps its files.

It uses the standard library only, and of it what is cheap to import: a module that serves a rare path is imported when that path is
taken, and its code is read at the boot, since the folder of the shim may be removed later. State of one request is in its Exchange,
never in a module."""

__version__ = "0.1"


class RequestTimeout(BaseException):
    """Raised in the app when the time of its request is over. Not an Exception: `except Exception` must not swallow it."""


class ClientGone(BaseException):
    """Raised in the app when its client has disconnected, for an app with on_disconnect = "cancel"."""


_hooks = []  # what on_fork was given; None: it has been called


def on_fork(function):
    """Calls function() once in each worker, before its first request: the place to open what processes cannot share, such as
    connections. It is the same with and without --preload. In a worker that serves already it is called at once. Returns function, so
    that on_fork can be used as a decorator."""
    if _hooks is None:
        function()
    else:
        _hooks.append(function)
    return function


def run_hooks():
    global _hooks
    for function in _hooks:  # also what one of them adds
        function()
    _hooks = None
