"""From what the user wrote (or from candidate files) to a WSGI callable.

Every error leaves load as one Failure with a sentence in it; failures makes the sentences."""

import os
import sys

from . import Failure, shape
from .guard import Guard
from .spec import BadSpec, home, parse

_NAMES = ("application", "app")


class Loaded:
    """The app, and what it is called: found such as "shop.wsgi:application", how such as "found wsgi.py" or empty."""

    def __init__(self, app, found, how):
        self.app = app
        self.found = found
        self.how = how


def load(boot):
    """Puts the app's folders on sys.path, finds the app and imports it. Raises Failure."""
    base = boot["dir"]
    set_path(base, boot["pythonpath"])
    text = boot["app"].strip()
    how = ""
    if not text and os.environ.get("FLASK_APP", "").strip():
        text = os.environ["FLASK_APP"]
        how = "found FLASK_APP"
    target = ""
    tried = []
    try:
        with Guard():
            if not text:
                return _from_candidates(boot["candidates"], base, tried)
            spec = parse(text, base)
            target = spec.module
            return _from_spec(spec, base, how)
    except Failure:
        raise
    except BadSpec as error:
        raise Failure("bad_spec", str(error)) from None
    except BaseException as error:
        from .failures import explain, guessed

        raise guessed(explain(error, boot, target), tried) from None


def set_path(base, pythonpath):
    """dir first, then pythonpath (relative to dir), then what Python found by itself."""
    front = [base] + [os.path.join(base, entry) for entry in pythonpath]
    sys.path[:] = front + [entry for entry in sys.path if entry and entry not in front]


def _from_spec(spec, base, how):
    if os.path.basename(spec.path) == "manage.py" and not spec.name:
        return _from_manage(spec.path, how)
    if spec.path:
        module, label = import_file(spec.path, base)
    else:
        sys.argv = [spec.module]
        __import__(spec.module)
        module, label = sys.modules[spec.module], spec.module
    if spec.name:
        thing = _attribute(module, label, spec.name)
        name = spec.name
    else:
        name, thing = search(module, label)
    return Loaded(resolve(thing, name, label, spec.call), label + ":" + name, how)


def _from_manage(path, how):
    from ..frameworks.django import app_of

    sys.argv = [path]
    app, found = app_of(path)
    return Loaded(app, found, how)


def _from_candidates(candidates, base, tried):
    """tried: gets the names of those that are imported."""
    skipped = []
    for candidate in candidates:
        path = os.path.abspath(os.path.join(base, candidate))
        if not os.path.isfile(path):
            continue
        how = "found " + candidate
        tried.append(candidate)
        if os.path.basename(path) == "manage.py":
            return _from_manage(path, how)
        module, label = import_file(path, base)
        try:
            name, thing = search(module, label)
        except Failure as failure:
            if failure.kind != "no_app" or failure.line:  # line marks a choice that the user has to make
                raise
            skipped.append(candidate)
            continue
        return Loaded(resolve(thing, name, label, None), label + ":" + name, how)
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


def _attribute(module, label, name):
    thing = module
    done = label
    for part in name.split("."):
        try:
            thing = getattr(thing, part)
        except AttributeError:
            from .failures import no_attribute

            raise no_attribute(thing, done, part, module, label) from None
        done += (":" if done == label else ".") + part
    return thing


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
    for name in shape.FACTORIES:
        thing = getattr(module, name, None)
        if callable(thing):
            return name, thing
    from .failures import no_app

    raise no_app(module, label)


def resolve(thing, name, label, call):
    """Returns the WSGI callable that thing is or makes. call: None, or the (args, kwargs) that the user wrote."""
    what = label + ":" + name
    if not callable(thing):
        raise Failure("not_callable", "%s is %s, which cannot be called" % (what, _a(thing)))
    if shape.is_async_factory(thing):
        text = "%s is an async function, so it makes an app inside of an event loop; a factory for WSGI is a plain function"
        raise Failure("asgi", text % what)
    args, kwargs = call or ((), {})
    if call is None:
        _no_asgi(shape.is_asgi(thing), thing, what, label)
        if not shape.is_factory(thing, name.rpartition(".")[2]):
            if shape.takes_two(thing):
                return thing
            _need_no_more(thing, what, label, name, 0, {})
            raise Failure("not_callable", "%s cannot be called with environ and start_response: it is no WSGI app" % what)
    _need_no_more(thing, what, label, name, len(args), kwargs)
    app = thing(*args, **kwargs)
    if not callable(app):
        raise Failure("not_callable", "%s() returned %s, which cannot be called" % (what, _a(app)))
    _no_asgi(shape.is_asgi(app) or shape.takes_three(app), app, what + "()", label)
    if not shape.takes_two(app):
        raise Failure("not_callable", "%s() returned %s, which cannot be called with environ and start_response" % (what, _a(app)))
    return app


def _need_no_more(factory, what, label, name, given, keywords):
    wants = shape.signature(factory)
    if wants is None:
        return
    missing = [part for part in wants.required[given:] + wants.keywords if part not in keywords]
    if missing:
        text = "%s needs arguments: %s; say them as literals, such as '%s:%s(\"value\")'"
        raise Failure("needs_arguments", text % (what, ", ".join(missing), label, name))


def _no_asgi(is_asgi, thing, what, label):
    if is_asgi:
        from .failures import asgi

        raise asgi(thing, what, label)


def _a(thing):
    if thing is None:
        return "None"
    name = type(thing).__name__
    return ("an " if name[:1].lower() in "aeiou" else "a ") + name
