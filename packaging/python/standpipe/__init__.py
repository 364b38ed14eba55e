"""What standpipe offers to the apps that it serves, and the way to its program.

An app imports this package everywhere. In a worker of standpipe the functions are the server's own; under another server, in tests, in
manage.py and in task queues they call at once what they are given:

    from standpipe import after_response, on_fork

    @on_fork
    def connect(): ...

purge removes pages from the server's HTTP cache, and does nothing where there is none.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterable, TypeVar

    Function = TypeVar("Function", bound=Callable[[], object])

__all__ = ["ClientGone", "PurgeError", "RequestTimeout", "after_response", "find_standpipe_bin", "on_fork", "purge"]
__version__ = "0"  # the builder of the wheel writes the release here


if TYPE_CHECKING or "standpipe_shim" not in sys.modules:

    class RequestTimeout(BaseException):
        """Raised in the app when the time of its request is over. Not an Exception: `except Exception` must not swallow it. Another server
        never raises it."""

    class ClientGone(BaseException):
        """Raised in the app when its client has disconnected, for an app with on_disconnect = "cancel". Another server never raises it."""

    class PurgeError(RuntimeError):
        """Raised by purge when what was named may still be in the cache."""

else:
    from standpipe_shim import ClientGone, PurgeError, RequestTimeout


def on_fork(function: Function) -> Function:
    """Has function() called once in each worker, before its first request: the place to open what processes cannot share, such as
    connections, and to start threads. It is the same with and without preload. Without standpipe it is called at once. Returns function,
    so that on_fork can be used as a decorator."""
    return _given("on_fork", function)


def after_response(function: Function) -> Function:
    """Has function() called after the answer of the request that runs here has been sent; the worker is busy until it returns. What it
    raises is logged. Where no request of standpipe's runs it is called at once, and what it raises is the caller's. Returns function."""
    return _given("after_response", function)


def purge(
    urls: Iterable[str] | None = None,
    prefixes: Iterable[str] | None = None,
    groups: Iterable[str] | None = None,
    all: bool = False,
    soft: bool = False,
) -> int:
    """Removes entries of the app from standpipe's HTTP cache; with soft they become stale instead. Returns how many, when they are gone:
    the next request of any client gets the new page. URLs and prefixes are absolute, or begin with "/" and mean every host; groups are what
    the app gave by Cache-Groups, Surrogate-Key or Cache-Tag. Works in a request, in a thread and in a task of the worker.

    Outside of a worker (another server, tests, manage.py, a task queue) it does nothing and returns 0; with STANDPIPE_CONTROL in the
    environment, the path of a running server's control socket, that server removes the entries, whatever app they are of.

    Raises PurgeError when some may still be there, ValueError and TypeError for what cannot be a purge."""
    mine: Callable[..., int] | None = getattr(sys.modules.get("standpipe_shim"), "purge", None)
    if mine is not None:
        return mine(urls, prefixes, groups, all, soft)
    what: dict[str, object] = {"all": bool(all), "soft": bool(soft)}
    for name, given in (("urls", urls), ("prefixes", prefixes), ("groups", groups)):
        if isinstance(given, (str, bytes)):
            raise TypeError("purge: %s is a list of str; write %s=[%r]" % (name, name, given))
        what[name] = list(given or ())
    if not all and urls is None and prefixes is None and groups is None:
        raise ValueError("purge: say what is removed: urls, prefixes, groups, or all=True")
    path = os.environ.get("STANDPIPE_CONTROL")
    if not path or not (all or what["urls"] or what["prefixes"] or what["groups"]):
        return 0
    from . import _control

    try:
        return _control.purge(path, what)
    except OSError as error:
        raise PurgeError("the server behind STANDPIPE_CONTROL has not removed it: %s" % error) from error


def _given(name: str, function: Function) -> Function:
    """Gives function to what a worker of standpipe has under a name; without standpipe, calls it."""
    give = getattr(sys.modules.get("standpipe_shim"), name, None)
    if give is None:
        function()
    else:
        give(function)
    return function


def find_standpipe_bin() -> str:
    """Returns the path of the program that this package has installed. Raises FileNotFoundError, which names the folders, if it is gone."""
    from ._find import find

    return find()
