"""Three ways into Python's imports: a function that is called when certain modules are imported, the module standpipe for apps, and the
code of the shim's own modules, kept for the time when their folder is gone."""

import sys


class Finder:
    """Calls done(module) after the first import of each of names."""

    def __init__(self, names, done, once=False):
        self._names = names
        self._done = done
        self._once = once  # leave sys.meta_path at the first of names
        self._busy = False

    def install(self):
        sys.meta_path.insert(0, self)

    def remove(self):
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name, path=None, target=None):
        if name not in self._names or self._busy:
            return None
        if self._once:
            self.remove()
        self._busy = True
        try:
            for finder in sys.meta_path:
                find = getattr(finder, "find_spec", None)
                spec = find(name, path, target) if finder is not self and find is not None else None
                if spec is not None:
                    if hasattr(spec.loader, "exec_module"):
                        spec.loader = _Loader(spec.loader, self._done)
                    return spec
        finally:
            self._busy = False
        return None


class _Loader:
    """Runs the loader of a module, takes its own place back from it, and calls done."""

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


class Public:
    """Finds the module standpipe, for apps, where no other finder does; public.py says what is in it."""

    def find_spec(self, name, path=None, target=None):
        if name == "standpipe":
            from .public import find

            return find(self)
        return None


def keep(package, names):
    """Reads the code of modules of the shim that may be imported later: their folder may be removed while the worker serves (at the
    end of a login session, by a cleaner of /tmp). A shim that was started by `python -c` has no folder, and is in memory anyway."""
    finder = sys.path_importer_cache.get(next(iter(sys.modules[package].__path__), ""))
    if finder is None:
        return
    kept, look = {}, finder.find_spec
    for name in (package + "." + name for name in names):
        spec = look(name)
        if spec is not None and name not in sys.modules:
            code = spec.loader.get_code(name)
            spec.loader.get_code = lambda name, code=code: code
            kept[name] = spec
    finder.find_spec = lambda name, target=None: kept.get(name) or look(name, target)
