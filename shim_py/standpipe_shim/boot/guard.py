"""Catches an app that starts a server of its own while it is imported: the boot would never end, and the reason would be unknown.

Works only during the boot, and only where the import runs: a server that the app starts in another thread, greenlet or process is
not caught. A module that is not loaded yet is patched when it is imported."""

import os
import sys
from _thread import get_ident

from ..core.importing import Finder

# module -> what starts serving in it
_TRAPS = {"socketserver": "BaseServer.serve_forever", "werkzeug.serving": "run_simple", "waitress": "serve"}


class AppRun(BaseException):
    """The app called the run of a server. Not an Exception: an `except Exception` of the app must not hide it."""

    __module__ = "standpipe"  # for tracebacks


class Guard:
    """A context manager around the import."""

    def __init__(self):
        self._undo = []
        self._finder = Finder(_TRAPS, self._set)
        self._importer = None  # (pid, thread) while the import runs

    def __enter__(self):
        self._importer = (os.getpid(), get_ident())
        self._finder.install()
        for name in _TRAPS:
            if name in sys.modules:
                self._set(sys.modules[name])
        return self

    def __exit__(self, *exc_info):
        self._importer = None  # the app may have taken a trap by its name
        self._finder.remove()
        for owner, name, old, trap in self._undo:
            if getattr(owner, name, None) is trap:
                setattr(owner, name, old)
        self._undo = []

    def _imports(self):
        """Says whether the caller is the code that imports the app. A greenlet with a parent is what gevent makes of a thread."""
        if self._importer != (os.getpid(), get_ident()):
            return False
        current = getattr(sys.modules.get("greenlet"), "getcurrent", None)
        return current is None or current().parent is None

    def _set(self, module):
        owner = module
        *path, name = _TRAPS[module.__name__].split(".")
        for part in path:
            owner = getattr(owner, part, None)
        old = getattr(owner, name, None)
        if old is None:
            return

        def trap(*args, **kwargs):
            if self._imports():
                raise AppRun(name)
            return old(*args, **kwargs)

        trap.__name__ = getattr(old, "__name__", name)  # a thread is named by its function
        setattr(owner, name, trap)
        self._undo.append((owner, name, old, trap))
