"""From what the user wrote (or from candidate files) to a WSGI callable.

Whatever goes wrong leaves load as one Failure with a sentence in it; the sentences are made in failures."""

import os
import sys

from . import shape
from .guard import Guard
from .spec import BadSpec, home, parse

_NAMES = ("application", "app")
_FACTORIES = ("create_app", "make_app")


class Failure(Exception):
    """The app did not come up. kind and message as in the Failed frame; file and line of the app's own code, or empty and 0;
    error is what Python raised, or None."""

    def __init__(self, kind, message, file="", line=0, error=None):
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.file = file
        self.line = line
        self.error = error


class Loaded:
    """The app, and how to say what it is: found such as "shop.wsgi:application", how such as "found wsgi.py" or empty."""

    def __init__(self, app, found, how):
        self.app = app
        self.found = found
        self.how = how


def load(boot):
    """Puts the app's folders on sys.path, finds the app and imports it. Raises Failure."""
    base = boot["dir"]
    set_path(base, boot["pythonpath"])
    text = boot["app"]
    how = ""
    if not text.strip() and os.environ.get("FLASK_APP"):
        text = os.environ["FLASK_APP"]
        how = "found FLASK_APP"
    target = ""
    tried = []
    try:
        with Guard():
            if not text.strip():
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
        from ..frameworks.manage import app_of

        sys.argv = [spec.path]
        app, found = app_of(spec.path)
        return Loaded(app, found, how)
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
        name, thing = search(module, label, base)
    return Loaded(resolve(thing, name, label, spec.call), label + ":" + name, how)


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
            from ..frameworks.manage import app_of

            sys.argv = [path]
            app, found = app_of(path)
            return Loaded(app, found, how)
        module, label = import_file(path, base)
        try:
            name, thing = search(module, label, base)
        except Failure as failure:
            if failure.kind != "no_app" or failure.line:  # line marks a choice the user has to make
                raise
            skipped.append(candidate)
            continue
        return Loaded(resolve(thing, name, label, None), label + ":" + name, how)
    from .failures import nothing_found

    raise nothing_found(base, candidates, skipped)


def import_file(path, base):
    """Imports a file and returns (module, label). A Python file gets the name it has in its package, so that it is imported
    once only; a .wsgi file, and one whose name cannot be imported or is taken, runs under a name of its own."""
    if not os.path.isfile(path):
        from .failures import no_file

        raise no_file(path, base)
    sys.argv = [path]
    folder, name = home(path, base)
    importable = path.endswith(".py") and name and all(part.isidentifier() for part in name.split("."))
    if importable and name.split(".")[0] not in sys.builtin_module_names and name not in sys.modules:
        if folder not in sys.path:
            sys.path.insert(0, folder)
        __import__(name)
        module = sys.modules[name]
        if _same_file(getattr(module, "__file__", None), path):
            return module, name
    elif importable and _same_file(getattr(sys.modules.get(name), "__file__", None), path):
        return sys.modules[name], name
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


def search(module, label, base):
    """Returns (name, thing) for the app or factory of a module that the user did not name further. Raises Failure no_app."""
    for name in _NAMES:
        thing = getattr(module, name, None)
        if callable(thing) and not (isinstance(thing, type) and not shape.takes_two(thing)):
            return name, thing
    flasks = {id(thing): (name, thing) for name, thing in vars(module).items() if shape.is_flask(thing)}
    if len(flasks) == 1:
        return flasks.popitem()[1]
    if flasks:
        names = sorted(name for name, _ in flasks.values())
        text = "%s has several Flask apps: %s; say which, such as %s:%s" % (label, ", ".join(names), label, names[0])
        raise Failure("no_app", text, getattr(module, "__file__", None) or "", 1)
    for name in _FACTORIES:
        thing = getattr(module, name, None)
        if callable(thing):
            return name, thing
    from .failures import no_app

    raise no_app(module, label)


def resolve(thing, name, label, call):
    """Returns the WSGI callable that thing is or makes. call: None, or the (args, kwargs) the user wrote."""
    what = label + ":" + name
    last = name.rpartition(".")[2]
    if not callable(thing):
        raise Failure("not_callable", "%s is %s, which cannot be called" % (what, _a(thing)))
    if shape.is_async_factory(thing):
        text = "%s is an async function, so it makes an app inside of an event loop; a factory for WSGI is a plain function"
        raise Failure("asgi", text % what)
    if call is not None:
        args, kwargs = call
        _need_no_more(thing, what, label, name, len(args), kwargs)
        return _made(thing(*args, **kwargs), what, label)
    if shape.is_asgi(thing):
        raise _asgi(thing, what, label)
    if shape.is_factory(thing, last):
        _need_no_more(thing, what, label, name, 0, {})
        return _made(thing(), what, label)
    if not shape.takes_two(thing):
        _need_no_more(thing, what, label, name, 0, {})
        raise Failure("not_callable", "%s cannot be called with environ and start_response: it is no WSGI app" % what)
    return thing


def _need_no_more(factory, what, label, name, given, keywords):
    wants = shape.signature(factory)
    if wants is None:
        return
    missing = [part for part in wants.required[given:] + wants.keywords if part not in keywords]
    if missing:
        text = "%s needs arguments: %s; say them as literals, such as '%s:%s(\"value\")'" % (
            what,
            ", ".join(missing),
            label,
            name,
        )
        raise Failure("needs_arguments", text)


def _made(app, what, label):
    if not callable(app):
        raise Failure("not_callable", "%s() returned %s, which cannot be called" % (what, _a(app)))
    if shape.is_asgi(app) or shape.takes_three(app):
        raise _asgi(app, what + "()", label)
    if not shape.takes_two(app):
        raise Failure("not_callable", "%s() returned %s, which cannot be called with environ and start_response" % (what, _a(app)))
    return app


def _asgi(thing, what, label):
    from .failures import asgi

    return asgi(thing, what, label)


def _a(thing):
    if thing is None:
        return "None"
    name = type(thing).__name__
    return ("an " if name[:1].lower() in "aeiou" else "a ") + name
