"""From what the user wrote (or from candidate files) to a WSGI callable.

Every error leaves load as one Failure with a sentence in it; failures makes the sentences."""

import os
import sys

from . import FACTORIES, BadSpec, Failure
from .guard import Guard
from .spec import parse

_COROUTINE = 0x80  # of co_flags


def load(boot):
    """Puts the app's folders on sys.path, finds the app and imports it. Returns the app, what it is called such as
    "shop.wsgi:application", and how it was found such as "found wsgi.py" or empty. Raises Failure."""
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
                from .search import from_candidates

                return from_candidates(boot["candidates"], base, tried, resolve)
            target, *rest = parse(text, base)
            return _from_spec(target, *rest, base, how)
    except Failure:
        raise
    except BadSpec as error:
        raise Failure("bad_spec", str(error)) from None
    except BaseException as error:
        from .failures import explain, guessed

        failure = explain(error, boot, target)
        raise (guessed(failure, tried) if boot["generation"] == 1 else failure) from None


def set_path(base, pythonpath):
    """dir first, then pythonpath (relative to dir), then what Python found by itself."""
    front = [base] + [os.path.join(base, entry) for entry in pythonpath]
    sys.path[:] = front + [entry for entry in sys.path if entry and entry not in front]


def _from_spec(target, path, name, call, base, how):
    if path or not name:
        from . import search  # before the app's code runs
    if path:
        if os.path.basename(path) == "manage.py" and not name:
            return search.from_manage(path, how)
        module, label = search.import_file(path, base)
    else:
        sys.argv = [target]
        __import__(target)
        module, label = sys.modules[target], target
    if name:
        thing = _attribute(module, label, name)
    else:
        name, thing = search.search(module, label)
    return resolve(thing, name, label, call), label + ":" + name, how


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


def resolve(thing, name, label, call):
    """Returns the WSGI callable that thing is or makes. call: None, or the (args, kwargs) that the user wrote."""
    if type(thing) is type(load) and call is None and not vars(thing) and name.rpartition(".")[2] not in FACTORIES:
        code = thing.__code__
        if code.co_argcount == 2 and not code.co_kwonlyargcount and not code.co_flags & _COROUTINE and not thing.__defaults__:
            return thing  # a plain function of two arguments
    from .callables import resolve

    return resolve(thing, name, label, call)
