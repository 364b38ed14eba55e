"""Finds the app where the user has not named it as MODULE:NAME: candidate files, a file, a module that is to be searched. Imported
when there is something to find."""

import os
import sys

from . import FACTORIES, Failure, shape

_NAMES = ("application", "app")


def from_manage(path, how):
    from ..frameworks.django import app_of

    sys.argv = [path]
    app, found = app_of(path)
    return app, found, how


def from_candidates(candidates, base, tried, resolve):
    """Returns what load does, for the first of the candidate files that has an app. tried: gets the names of those that are
    imported. resolve: loader's."""
    skipped = []
    for candidate in candidates:
        path = os.path.abspath(os.path.join(base, candidate))
        if not os.path.isfile(path):
            continue
        how = "found " + candidate
        tried.append(candidate)
        if os.path.basename(path) == "manage.py":
            return from_manage(path, how)
        module, label = import_file(path, base)
        try:
            name, thing = search(module, label)
        except Failure as failure:
            if failure.kind != "no_app" or failure.line:  # line marks a choice that the user has to make
                raise
            skipped.append(candidate)
            continue
        return resolve(thing, name, label, None), label + ":" + name, how
    from .failures import nothing_found

    raise nothing_found(base, candidates, skipped)


def import_file(path, base):
    """Imports a file and returns (module, label). A Python file gets the name it has in its package, so that it is imported once
    only; a .wsgi file, and one whose name cannot be imported or is taken, runs under a name of its own."""
    if not os.path.isfile(path):
        from .failures import no_file

        raise no_file(path, base)
    sys.argv = [path]
    folder, name = home(path, base)
    importable = path.endswith(".py") and name and all(part.isidentifier() for part in name.split("."))
    if importable:
        if name not in sys.modules and name.split(".")[0] not in sys.builtin_module_names:
            if folder not in sys.path:
                sys.path.insert(0, folder)
            __import__(name)
        module = sys.modules.get(name)
        if _same_file(getattr(module, "__file__", None), path):
            return module, name
    return _run_file(path), os.path.relpath(path, base)


def _same_file(one, other):
    try:
        return bool(one) and os.path.samefile(one, other)
    except OSError:
        return False


def _run_file(path):
    name = "_standpipe_" + "".join(c if c.isalnum() else "_" for c in os.path.basename(path))
    module = type(sys)(name)
    module.__file__ = path
    with open(path, "rb") as source:
        text = source.read()
    sys.modules[name] = module
    try:
        exec(compile(text, path, "exec", dont_inherit=True), module.__dict__)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def home(path, base):
    """Returns (folder for sys.path, module name) for a Python file: the folder above its outermost package, but not above base, the
    app's dir."""
    folder, filename = os.path.split(path)
    parts = [] if filename == "__init__.py" else [os.path.splitext(filename)[0]]
    while folder != base and os.path.isfile(os.path.join(folder, "__init__.py")):
        parts.insert(0, os.path.basename(folder))
        folder = os.path.dirname(folder)
    return folder, ".".join(parts)


def search(module, label):
    """Returns (name, thing) for the app or factory of a module in which the user has named none. Raises Failure no_app."""
    for name in _NAMES:
        thing = getattr(module, name, None)
        if callable(thing) and not (isinstance(thing, type) and not shape.takes_two(thing)):
            return name, thing
    if "flask" in sys.modules:
        from ..frameworks.flask import apps_in

        flasks = apps_in(module)
        if len(flasks) == 1:
            return flasks[0]
        if flasks:
            names = sorted(name for name, _ in flasks)
            text = "%s has several Flask apps: %s; say which, such as %s:%s" % (label, ", ".join(names), label, names[0])
            raise Failure("no_app", text, getattr(module, "__file__", None) or "", 1)
    for name in FACTORIES:
        thing = getattr(module, name, None)
        if callable(thing):
            return name, thing
    from .failures import no_app

    raise no_app(module, label)
