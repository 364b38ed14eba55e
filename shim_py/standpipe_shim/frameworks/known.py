"""Results that frameworks return of which is known that nothing long comes behind their block. Imported when an app returns the
first result that is no list.

PEP 3333 has a block sent before the next one is asked for, and close() called when the answer is complete: an app may work for
long in either, while its client has what it wanted. But what Flask and Django return for an ordinary view is one block in memory
and a close() that tidies up; these go out behind close(), whole, in one frame. To know one is to look at parts of it that are not
documented: where they are not as they are known to be, the result is treated as any other."""

import sys
from types import GeneratorType
from weakref import ReferenceType

_trusted = []  # the receivers of Django's request_finished that were last found to be its own


def find(kind):
    """Returns the function that says of a result of this type whether it is such a one, or None."""
    for base in kind.__mro__:
        look = _LOOKS.get((base.__module__, base.__name__))
        if look is not None and (base is kind or look is _django):
            return look
    return None


def _werkzeug(result):
    """What a werkzeug Response (Flask's) returns: behind the blocks come the functions of Response.call_on_close."""
    *before, last = result._callbacks
    response = last.__self__
    kind = type(response)
    base = sys.modules["werkzeug.wrappers"].Response
    if kind.close is not base.close or kind.iter_encoded is not base.iter_encoded or response._on_close:
        return False
    if type(response.response) not in (list, tuple) or len(response.response) > 1:
        return False
    if not before:
        return True  # no body: HEAD, 204, 304
    (blocks,) = before
    return type(blocks.__self__) is GeneratorType and blocks.__self__.gi_code.co_name == "_iter_encoded"


def _django(result):
    """An HttpResponse that holds its content. Its close() closes uploaded files, and sends request_finished: Django's own
    receivers give database connections back. One that has failed is tried out there, which may take as long as it likes."""
    kind = type(result)
    modules = sys.modules
    if kind.close is not modules["django.http.response"].HttpResponse.close:
        return False
    if type(result._container) is not list or len(result._container) != 1:
        return False
    if kind.__iter__.__module__ not in ("django.http.response", "django.template.response"):
        return False
    for closer in result._resource_closers:
        if closer.__func__ is not modules["django.http.request"].HttpRequest.close:
            return False
    receivers = modules["django.core.signals"].request_finished.receivers
    if receivers != _trusted:
        if not all(map(_is_of_django, receivers)):
            return False
        _trusted[:] = receivers
    if "django.db" in modules:
        for connection in modules["django.db"].connections.all(initialized_only=True):
            if connection.errors_occurred:
                return False
    return True


def _is_of_django(entry):
    receiver = entry[1]
    if isinstance(receiver, ReferenceType):
        receiver = receiver()
    return receiver is None or receiver.__module__.startswith("django.")


_LOOKS = {
    ("werkzeug.wsgi", "ClosingIterator"): _werkzeug,
    ("django.http.response", "HttpResponse"): _django,
}
