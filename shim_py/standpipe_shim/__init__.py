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


class PurgeError(RuntimeError):
    """Raised by purge when what was named may still be in the cache."""


_hooks = []  # what on_fork was given; None: it has been called


def _running():
    """Returns the Exchange of the request whose code runs, or None. A worker puts its own function here."""


def on_fork(function):
    """Calls function() once in each worker, before its first request: the place to open what processes cannot share, such as
    connections. It is the same with and without --preload. In a worker that serves already it is called at once. Returns function, so
    that on_fork can be used as a decorator."""
    if _hooks is None:
        function()
    else:
        _hooks.append(function)
    return function


def after_response(function):
    """Calls function() after the answer of the request that runs here, as standpipe.after_response of its environ does. Where no request
    runs (an import, a thread of the app's own, a request whose answer has ended) it is called at once. Returns function."""
    request = _running()
    if request is None or request.has_ended():
        function()
    else:
        request.after_response(function)
    return function


def _purge(urls, prefixes, groups, all, soft):
    """A worker puts its own function here."""
    raise PurgeError("this process is no worker")


def purge(urls=None, prefixes=None, groups=None, all=False, soft=False):
    """Removes entries of the app from standpipe's HTTP cache; with soft they become stale instead. Returns how many, when they are
    gone. Any thread, in a request or outside. Raises PurgeError when some may still be there. It is standpipe.purge of the environ too."""
    return _purge(urls, prefixes, groups, all, soft)


def run_hooks():
    global _hooks
    for function in _hooks:  # also what one of them adds
        function()
    _hooks = None
