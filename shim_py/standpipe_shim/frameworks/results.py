"""Results that frameworks return, of which is known that they may be closed at once."""

from . import framework

# Of what type a result is -> the file here that knows it.
_RESULTS = {("werkzeug.wsgi", "ClosingIterator"): "flask", ("django.http.response", "HttpResponse"): "django"}

_looks = {}  # type of a result -> the function that says whether one of that type is quick; None: none is
_MOST = 64  # types that are kept


def is_quick(result):
    """Says whether nothing long comes behind the block of a result, so that it may be closed before the block goes out.

    PEP 3333 has a block sent before the next one is asked for, and close() called when the answer is complete: an app may work for
    long in either, while its client has what it wanted. But what Flask and Django return for an ordinary view is one block in
    memory and a close() that tidies up; these go out after close(), whole, in one frame. To know one is to look at parts of it that
    are not documented: where those are not as expected, the result is treated like any other."""
    kind = type(result)
    try:
        look = _looks[kind]
    except KeyError:
        if len(_looks) >= _MOST:
            _looks.clear()
        look = _looks[kind] = _look_for(kind)
    if look is None:
        return False
    try:
        return look(result)
    except Exception:  # not made as expected
        return False


def _look_for(kind):
    for base in kind.__mro__:
        name = _RESULTS.get((base.__module__, base.__name__))
        if name is not None and (base is kind or name == "django"):
            try:
                return framework(name).is_quick
            except ImportError:  # the app has imported its framework late, and the folder of the shim is gone
                break
    return None
