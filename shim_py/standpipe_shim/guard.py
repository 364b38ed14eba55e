"""Catches an app that starts a server of its own while it is imported: the boot would never end, and nobody would know why.

Works only during the boot. Nothing is imported for it: a module that is not loaded yet is patched when it comes."""

import sys

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

    def __enter__(self):
        sys.meta_path.insert(0, self)
        for name in _TRAPS:
            if name in sys.modules:
                self._set(sys.modules[name])
        return self

    def __exit__(self, *exc_info):
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

    def _set(self, module):
        owner = module
        *path, name = _TRAPS[module.__name__].split(".")
        for part in path:
            owner = getattr(owner, part, None)
        old = getattr(owner, name, None)
        if old is None:
            return

        def trap(*args, **kwargs):
            raise AppRun(name)

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
