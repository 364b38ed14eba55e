"""The Python half of standpipe: one worker process that serves one WSGI app over pipes.

What it speaks is described in shim/PROTOCOL.md. Only the standard library is used, and of it only what is cheap to import:
whatever serves a rare path (failures, tracebacks, threads) is imported when that path is taken.

The modules, in the order in which a worker meets them:

    __main__   takes the pipes, says Hello, boots, serves
    stdio      the descriptors: frames, control, life, stacks, the app's output
    title      what ps shows
    output     sys.stdout and sys.stderr: lines that carry their request's id
    levels     the level that logging gave a line
    signals    SIGTERM, SIGINT, SIGUSR2, fork, breakpoint()
    control    fd 3 (Cancel, Interrupt, Recall, Dump, Stop) and fd 4 (the life pipe)
    packing    the subset of msgpack
    frames     header, Reader, Writer
    loader     from what the user wrote to a WSGI callable (spec, shape, guard, djangoapp, framework help it)
    static     what files the app declares, for Go to serve (static_flask, static_django, static_pyramid);
               finding serves what only Django's finders know
    health     which of Go's health paths the app has routes for
    failures   one sentence for each way in which that can go wrong
    gevent_runner  the loop with a greenlet per request; patches the standard library before the app is imported
    runner     Worker, the loop on the main thread, the loop on N threads
    inbound    who reads fd 0, and who waits for what
    environ    a Request's payload -> the environ (names: those that travel as bits)
    body       wsgi.input, wsgi.file_wrapper
    serve      one Request through the app
    wsgi       its Exchange: start_response, write, the iterable, close
    known      results of Flask and Django that may be closed before they go out
    head       status and fields as a Head's msgpack
    interrupt  raises RequestTimeout or ClientGone in what the app is doing; an exchange on one of N threads
    report     exceptions and stacks as text
    log        Log frames
    watch      names the modules' files, for a reload on change
    forking    how that one forks: the app's fork hooks run once in each worker
    template   --preload: the process that has imported the app and forks the workers

Nothing that belongs to one request is kept in a module: it is in the Exchange.
"""

__version__ = "0.1"


class RequestTimeout(BaseException):
    """Raised in the app when its request's time is over. Not an Exception: `except Exception` must not swallow it."""


class ClientGone(BaseException):
    """Raised in the app when its client has left, for an app with on_disconnect = "cancel"."""


_hooks = []  # what on_fork was given; None: it has been called


def on_fork(function):
    """Calls function() once in each worker, before its first request: the place to open what processes cannot share, such as
    connections. It is the same with and without --preload. In a worker that serves already it is called at once. Returns
    function, so that it may stand as a decorator."""
    if _hooks is None:
        function()
    else:
        _hooks.append(function)
    return function


def _begin():
    global _hooks
    for function in _hooks:  # also what one of them adds
        function()
    _hooks = None
