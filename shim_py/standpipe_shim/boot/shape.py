"""What kind of thing a callable is, judged by how it can be called. Without inspect, which would cost 2 MB and 6 ms in every
worker."""

from . import FACTORIES

_VARARGS, _COROUTINE = 0x04, 0x80
_ASGI_CLASSES = ("FastAPI", "Starlette", "Quart", "Litestar", "Sanic")
# Compiled ones do not show what they are.
_ASGI_MODULES = ("falcon.asgi.", "django.core.handlers.asgi.", "channels.", "socketio.asgi.", "engineio.async_drivers.asgi.", "blacksheep.")


class Signature:
    """How a thing can be called: the names of its positional parameters, how many of them have defaults, *args, and the
    keyword-only names that are required."""

    def __init__(self, names, defaults, varargs, keywords):
        self.required = names[: len(names) - defaults]
        self.keywords = keywords
        self.varargs = varargs
        self.most = len(names)


def signature(thing):
    """Returns the Signature of a call of thing, or None when there is no Python code that shows it (built in C)."""
    bound = 0
    if isinstance(thing, type):
        make, thing = thing.__new__, thing.__init__
        bound = 1
        if thing is object.__init__:
            if make is object.__new__:
                return Signature([], 0, False, [])
            thing = make
    elif not hasattr(thing, "__code__") and not hasattr(thing, "__func__"):
        thing = getattr(type(thing), "__call__", None)
        bound = 1
    for _ in range(32):
        if hasattr(thing, "__wrapped__") and not isinstance(thing, type):
            thing = thing.__wrapped__
        elif hasattr(thing, "__func__"):
            thing = thing.__func__
            bound = 1
        else:
            break
    code = getattr(thing, "__code__", None)
    if code is None or not hasattr(code, "co_argcount"):
        return None
    names = list(code.co_varnames[bound : code.co_argcount])
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    have = getattr(thing, "__kwdefaults__", None) or {}
    defaults = min(len(getattr(thing, "__defaults__", None) or ()), len(names))
    return Signature(names, defaults, bool(code.co_flags & _VARARGS), [name for name in keywords if name not in have])


def is_asgi(thing):
    """Says whether thing is an ASGI app: by the name or module of its class, as a coroutine function, or by the names of its
    parameters."""
    while type(thing).__name__ == "partial" and callable(getattr(thing, "func", None)):
        thing = thing.func
    kind = thing if isinstance(thing, type) else type(thing)
    for base in kind.__mro__:
        module = getattr(base, "__module__", None) or ""
        if base.__name__ in _ASGI_CLASSES or (module + ".").startswith(_ASGI_MODULES):
            return True
    calls = [getattr(kind, "__call__", None)]
    if isinstance(thing, type):
        return _is_coroutine(calls[0])
    if any(map(_is_coroutine, [thing, getattr(thing, "__func__", None)] + calls)):
        return True
    shape = signature(thing)
    return shape is not None and (shape.required[:3] == ["scope", "receive", "send"] or shape.required == ["scope"])


def takes_three(thing):
    """Says whether an object can be called with three positional arguments and not with less, as an ASGI app is."""
    shape = signature(thing)
    return shape is not None and len(shape.required) == 3 and not shape.keywords


def is_async_factory(thing):
    """Says whether thing is a coroutine function that does not take the three arguments of an ASGI app: it makes an app in an event
    loop only."""
    shape = signature(thing)
    return _is_coroutine(thing) and shape is not None and len(shape.required) != 3 and not shape.varargs


def _is_coroutine(call):
    code = getattr(call, "__code__", None)
    return code is not None and bool(getattr(code, "co_flags", 0) & _COROUTINE)


def takes_two(thing):
    """Says whether thing(environ, start_response) is a legal call."""
    shape = signature(thing)
    return shape is None or (len(shape.required) <= 2 and (shape.most >= 2 or shape.varargs) and not shape.keywords)


def is_factory(thing, name):
    """Says whether thing is to be called without arguments to get the app. name: the name it was found by.

    A function whose parameters all have defaults is a factory even where it could take two: an app has no use for defaults. *args
    alone is an app (the wrapper of a decorator), unless its name says otherwise."""
    if name in FACTORIES:
        return True
    shape = signature(thing)
    if shape is None or shape.required or shape.keywords:
        return False
    is_function = isinstance(thing, type) or hasattr(thing, "__code__") or hasattr(thing, "__func__")
    return is_function and not shape.varargs
