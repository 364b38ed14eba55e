"""What kind of thing a callable is, judged by how it can be called. No inspect: it would cost 2 MB and 6 ms in every worker."""

_VARARGS, _COROUTINE = 0x04, 0x80
_ASGI_CLASSES = ("FastAPI", "Starlette", "Quart", "Litestar", "Sanic")
# Compiled ones do not show what they are.
_ASGI_MODULES = ("falcon.asgi.", "django.core.handlers.asgi.", "channels.", "socketio.asgi.", "engineio.async_drivers.asgi.", "blacksheep.")
_FACTORIES = ("create_app", "make_app")


class Signature:
    """The positional side of a call: names, how many of them have defaults, *args; required keyword-only names."""

    def __init__(self, names, defaults, varargs, keywords):
        self.required = names[: len(names) - defaults]
        self.keywords = keywords
        self.varargs = varargs
        self.most = len(names)


def signature(thing):
    """Returns the Signature of a call of thing, or None when Python code says nothing about it (built in C)."""
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
    """Says whether thing is an ASGI app: by its class's name or module, a coroutine function, or its parameters' names."""
    while type(thing).__name__ == "partial" and callable(getattr(thing, "func", None)):
        thing = thing.func
    kind = thing if isinstance(thing, type) else type(thing)
    for base in kind.__mro__:
        module = getattr(base, "__module__", None) or ""
        if base.__name__ in _ASGI_CLASSES or (module + ".").startswith(_ASGI_MODULES):
            return True
    if isinstance(thing, type):
        call = getattr(thing, "__call__", None)
        return _is_coroutine(call)
    for call in (thing, getattr(thing, "__func__", None), getattr(kind, "__call__", None)):
        if _is_coroutine(call):
            return True
    shape = signature(thing)
    return shape is not None and (shape.required[:3] == ["scope", "receive", "send"] or shape.required == ["scope"])


def takes_three(thing):
    """Says whether an object can be called with three positional arguments and not with less, as an ASGI app is."""
    shape = signature(thing)
    return shape is not None and len(shape.required) == 3 and not shape.keywords


def is_async_factory(thing):
    """Says whether thing is a coroutine function that does not take an ASGI app's three arguments: what it makes can only be
    had in an event loop."""
    shape = signature(thing)
    return _is_coroutine(thing) and shape is not None and len(shape.required) != 3 and not shape.varargs


def _is_coroutine(call):
    code = getattr(call, "__code__", None)
    return code is not None and bool(getattr(code, "co_flags", 0) & _COROUTINE)


def takes_two(thing):
    """Says whether thing(environ, start_response) is a legal call."""
    shape = signature(thing)
    if shape is None:
        return True
    return len(shape.required) <= 2 and (shape.most >= 2 or shape.varargs) and not shape.keywords


def is_factory(thing, name):
    """Says whether thing is to be called without arguments to get the app. name: what it was found as.

    A function whose parameters all have defaults is a factory even where it could take two: an app has no use for defaults.
    *args alone is an app (a decorator's wrapper), unless its name says otherwise."""
    if name in _FACTORIES:
        return True
    shape = signature(thing)
    if shape is None or shape.required or shape.keywords:
        return False
    if isinstance(thing, type) or hasattr(thing, "__code__") or hasattr(thing, "__func__"):
        return not shape.varargs
    return False


def looks_like_app(thing):
    """Says whether an object of a module may be meant as a WSGI app: for messages, and for nothing else."""
    if not callable(thing) or isinstance(thing, type) or type(thing).__name__ == "module":
        return False
    shape = signature(thing)
    if shape is None or len(shape.required) != 2:
        return False
    return shape.required[1] == "start_response" or shape.required[0] in ("environ", "env")


def is_flask(thing):
    return not isinstance(thing, type) and any(
        base.__name__ == "Flask" and base.__module__.split(".")[0] == "flask" for base in type(thing).__mro__
    )
