"""The Python half of standpipe: one worker process that serves one WSGI app over pipes. shim/PROTOCOL.md describes what it says to Go.
It uses the standard library only, and of it what is cheap to import: a module that serves a rare path is imported when that path is
taken, and its code is read at the boot, since the folder of the shim may be removed later.

__main__ is the life of a worker: it takes the pipes, says Hello, boots, serves. Below it, in the order in which a worker meets them;
what a folder imports stands before it:

core/         a request and its answer
  frames      the header, Reader, Writer               packing    the subset of msgpack
  output      sys.stdout and sys.stderr with tags      levels     the level that logging gave a line
  border      is it the app's code that runs           importing  finders: patches to come, code that is kept
  worker      Worker: its loop, Go's orders, its end   control    fd 3 (orders) and fd 4 (the life pipe)
  inbound     reads fd 0, one thread                   serve      one Request through the app
  exchange    start_response, write, the iterable      head       status and fields as a Head's msgpack
  environ     the payload of a Request -> the environ
  later: body (wsgi.input over frames or a file), files (wsgi.file_wrapper), memory (shared with Go), callbacks, interrupt,
  report (exceptions and stacks as text), threads (N threads), greenlets (gevent)
frameworks/   what is known of web frameworks: questions, declared, and one file for each of them
boot/         from the first descriptor to a loaded app
  stdio       the descriptors and the title            signals    SIGTERM, SIGUSR2, fork, breakpoint()
  loader      from APP to a callable (spec, shape)     guard      catches a server that the import starts
  later: failures (a sentence for each), template and forking (--preload), monkey (--gevent), watch (reload on change)

State of one request is in its Exchange, never in a module.
"""

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
