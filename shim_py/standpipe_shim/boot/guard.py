"""Catches an app that starts a server of its own while it is imported: the boot would never end, and nobody would know why.

Works only during the boot, and only where the import runs: a server that the app starts beside itself, in a thread, a greenlet
or a child process, is its own affair. Nothing is imported for it: a module that is not loaded yet is patched when it comes."""

import os
import sys
from _thread import get_ident

# module -> what starts serving in it
_TRAPS = {
    "socketserver": "BaseServer.serve_forever",
    "werkzeug.serving": "run_simple",
    "waitress": "serve",
}


class AppRun(BaseException):
    """The app called a server's run. Not an Exception: an app's `except Exception` must not hide it."""

    __module__ = "standpipe"  # for tracebacks


class Guard:
    """A context manager around the import, and the finder that waits for the modules of _TRAPS."""

    def __init__(self):
        self._undo = []
        self._busy = False
        self._importer = None  # (pid, thread) while the import runs

    def __enter__(self):
        self._importer = (os.getpid(), get_ident())
        sys.meta_path.insert(0, self)
        for name in _TRAPS:
            if name in sys.modules:
                self._set(sys.modules[name])
        return self

    def __exit__(self, *exc_info):
        self._importer = None  # the app may have taken a trap by its name
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for owner, name, old, trap in self._undo:
            if getattr(owner, name, None) is trap:
                setattr(owner, name, old)
        self._undo = []

    def find_spec(self, name, path=None, target=None):
        if name not in _TRAPS or self._busy:
            return None
        self._busy = True
        try:
            for finder in sys.meta_path:
                find = getattr(finder, "find_spec", None)
                spec = find(name, path, target) if finder is not self and find is not None else None
                if spec is not None:
                    if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                        spec.loader = _Loader(spec.loader, self._set)
                    return spec
        finally:
            self._busy = False
        return None

    def _imports(self):
        """Says whether the caller is what imports the app. A greenlet with a parent is what gevent makes of a thread."""
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


class _Loader:
    """Runs a module's own loader, puts itself out of the way again, and tells done."""

    def __init__(self, loader, done):
        self._loader = loader
        self._done = done

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._done(module)

    def __getattr__(self, name):
        return getattr(self._loader, name)
