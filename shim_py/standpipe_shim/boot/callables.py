"""The app that a callable is or makes. Imported unless it is a plain function of two arguments."""

from . import Failure, shape


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
