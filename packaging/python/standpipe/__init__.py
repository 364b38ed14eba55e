"""What standpipe offers to the apps that it serves, and the way to its program.

An app imports this package everywhere. In a worker of standpipe the functions are the server's own; under another server, in tests, in
manage.py and in task queues they call at once what they are given:

    from standpipe import after_response, on_fork

    @on_fork
    def connect(): ...
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, TypeVar

    Function = TypeVar("Function", bound=Callable[[], object])

__all__ = ["ClientGone", "RequestTimeout", "after_response", "find_standpipe_bin", "on_fork"]
__version__ = "0"  # the builder of the wheel writes the release here


if TYPE_CHECKING or "standpipe_shim" not in sys.modules:

    class RequestTimeout(BaseException):
        """Raised in the app when the time of its request is over. Not an Exception: `except Exception` must not swallow it. Another server
        never raises it."""

    class ClientGone(BaseException):
        """Raised in the app when its client has disconnected, for an app with on_disconnect = "cancel". Another server never raises it."""

else:
    from standpipe_shim import ClientGone, RequestTimeout


def on_fork(function: Function) -> Function:
    """Has function() called once in each worker, before its first request: the place to open what processes cannot share, such as
    connections, and to start threads. It is the same with and without preload. Without standpipe it is called at once. Returns function,
    so that on_fork can be used as a decorator."""
    return _given("on_fork", function)


def after_response(function: Function) -> Function:
    """Has function() called after the answer of the request that runs here has been sent; the worker is busy until it returns. What it
    raises is logged. Where no request of standpipe's runs it is called at once, and what it raises is the caller's. Returns function."""
    return _given("after_response", function)


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
