"""Values as text for a page: bounded in length, count, depth and time. A value whose own __repr__ raises, hangs or is endless costs its
text, and no request.

What Python's own types hold is read by their own methods and never by those of a subclass. The __repr__ of any other class is foreign
code: it runs in a thread of its own that is waited for _EACH seconds; _TOTAL bounds the sum of a page."""

import sys
from _thread import allocate_lock, get_ident, start_new_thread  # before gevent may patch it
from collections import deque
from contextvars import copy_context
from itertools import islice
from time import monotonic
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from .masking import MASK, is_secret, text

_EACH = 0.3
_TOTAL = 1.5
_HANGS = 3  # values whose text did not come in time, until no foreign code is asked any more

_LENGTH = 1200  # characters of one value
_STRING = 600  # of a str in it
_ITEMS = 24
_VALUES = 400  # values inside one
_DEPTH = 4
_LARGE = 4096  # items of a container inside an object, from which on its own __repr__ is not called

_SEQUENCES = ((list, "[", "]"), (tuple, "(", ")"), (set, "{", "}"), (frozenset, "{", "}"), (deque, "[", "]"))
_VIEWS = tuple(type(getattr({}, name)()) for name in ("keys", "values", "items"))


class Reprs:
    """The values of one page."""

    def __init__(self, each=_EACH, total=_TOTAL):
        self._each = each
        self._until = monotonic() + total
        self._hangs = 0
        self._values = 0  # of the present value
        self._slow = set()  # types whose text did not come in time
        self._texts = {}  # id -> (the value, its text), of those that foreign code has made

    def of(self, value, name=""):
        """Returns one value as text, masked where its name says that it is a secret."""
        if name and is_secret(name, value):
            return MASK
        self._values = _VALUES
        try:
            return _cut(self._of(value, 0, set()), _LENGTH)
        except Exception as error:
            return "<no text: %s>" % type(error).__name__

    def _of(self, value, depth, seen):
        kind = type(value)
        plain = _plain(value, kind)
        if plain is not None:
            return plain
        self._values -= 1
        if depth >= _DEPTH or self._values < 0 or id(value) in seen:
            return "<%s ...>" % kind.__name__
        seen = seen | {id(value)}
        if isinstance(value, dict):
            return self._dict(value, kind, depth, seen)
        if isinstance(value, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
            return self._named(value, kind, depth, seen)
        for base, start, end in _SEQUENCES:
            if isinstance(value, base):
                return self._items(kind, base, value, start, end, depth, seen)
        if isinstance(value, _VIEWS):
            return "%s([%s])" % (kind.__name__, self._joined(value, len(value), depth, seen))
        return self._object(value, kind, depth, seen)

    def _dict(self, value, kind, depth, seen):
        parts = []
        for key, item in islice(dict.items(value), _ITEMS):
            secret = isinstance(key, str) and is_secret(key, item)
            parts.append("%s: %s" % (self._of(key, depth + 1, seen), MASK if secret else self._of(item, depth + 1, seen)))
        inner = "{%s%s}" % (", ".join(parts), _more(dict.__len__(value)))
        return inner if kind is dict else "%s(%s)" % (kind.__name__, inner)

    def _named(self, value, kind, depth, seen):
        parts = []
        for name, item in zip(kind._fields[:_ITEMS], tuple.__iter__(value)):
            parts.append("%s=%s" % (name, MASK if is_secret(str(name), item) else self._of(item, depth + 1, seen)))
        return "%s(%s%s)" % (kind.__name__, ", ".join(parts), _more(tuple.__len__(value)))

    def _items(self, kind, base, value, start, end, depth, seen):
        size = base.__len__(value)
        inner = self._joined(base.__iter__(value), size, depth, seen)
        if base is tuple and size == 1:
            inner += ","
        inner = start + inner + end if size or base not in (set, frozenset) else ""
        return inner if kind in (list, tuple) or kind is set and size else "%s(%s)" % (kind.__name__, inner)

    def _joined(self, items, size, depth, seen):
        return ", ".join(self._of(item, depth + 1, seen) for item in islice(items, _ITEMS)) + _more(size)

    def _object(self, value, kind, depth, seen):
        special = _unevaluated(value, kind)
        if special:
            return special
        attributes = _attributes(value)
        if kind.__repr__ == object.__repr__ or attributes and any(_is_large(item) for item in attributes.values()):
            return self._parts(value, kind, attributes, depth, seen)
        if isinstance(value, BaseException) and kind.__repr__ == BaseException.__repr__:
            return "%s(%s)" % (kind.__name__, self._joined(value.args, len(value.args), depth, seen))
        if id(value) not in self._texts:
            shown = self._foreign(value)
            if shown is None:
                return self._parts(value, kind, {}, depth, seen)
            self._texts[id(value)] = value, text(shown[: 2 * _LENGTH])
        return self._texts[id(value)][1]

    def _parts(self, value, kind, attributes, depth, seen):
        """Returns the class, and the attributes, of an object that has no text of its own."""
        if depth > 1:
            attributes = {}
        parts = []
        for name, item in islice(attributes.items(), _ITEMS):
            parts.append(" %s=%s" % (name, MASK if is_secret(name, item) else self._of(item, max(depth + 1, 2), seen)))
        return "<%s%s%s>" % (_name(kind), "".join(parts), _more(len(attributes)) if attributes else "")

    def _foreign(self, value):
        """Returns what the value's own __repr__ returns; None: there is no time left."""
        left = min(self._each, self._until - monotonic())
        if left <= 0 or self._hangs >= _HANGS or type(value) in self._slow:
            return None
        found = []
        began, done = allocate_lock(), allocate_lock()
        began.acquire()
        done.acquire()
        context = copy_context()

        def run():
            found.append(get_ident())
            try:
                found.append(context.run(_repr, value))
            finally:
                done.release()

        start_new_thread(run, ())
        if done.acquire(True, left):
            return found[1] if len(found) > 1 else "<no text>"
        self._hangs += 1
        self._slow.add(type(value))
        if found:
            from ..core.interrupt import set_async

            set_async(found[0], SystemExit)  # ends a loop of Python code; a call that blocks keeps its thread
        return "<no text: repr() of this %s took longer than %.1f s>" % (_name(type(value)), left)


def _repr(value):
    try:
        shown = repr(value)
        return shown if type(shown) is str else str.__str__(shown)
    except RecursionError:
        return "<no text: repr() of this %s recurses>" % _name(type(value))
    except BaseException as error:
        return "<no text: repr() of this %s raised %s>" % (_name(type(value)), type(error).__name__)


def _plain(value, kind):
    """Returns the text of a value that holds no other; None: it may hold some."""
    if value is None or kind in (bool, float, complex) or value is Ellipsis or value is NotImplemented:
        return repr(value)
    if isinstance(value, int) and kind.__repr__ == int.__repr__:
        bits = int.bit_length(value)
        return int.__repr__(value) if bits < 4096 else "<int of %d bits>" % bits
    if kind is str or isinstance(value, str) and kind.__repr__ == str.__repr__:
        size = str.__len__(value)
        return text(str.__repr__(str.__getitem__(value, slice(0, _STRING)))) + _characters(size - _STRING)
    for base in (bytes, bytearray):
        if isinstance(value, base):
            return base.__repr__(base.__getitem__(value, slice(0, _STRING))) + _characters(base.__len__(value) - _STRING, "bytes")
    if kind is memoryview:
        return "<memoryview of %d bytes>" % value.nbytes
    if isinstance(value, ModuleType):
        return "<module %s>" % getattr(value, "__name__", "?")
    if isinstance(value, (FunctionType, BuiltinFunctionType)):
        return "<function %s.%s>" % (getattr(value, "__module__", None) or "", getattr(value, "__qualname__", "?"))
    if isinstance(value, MethodType):
        return "<method %s>" % getattr(value, "__qualname__", "?")
    if isinstance(value, type):
        return "<class %s>" % _name(value)
    if kind.__name__ == "array" and kind.__module__ == "array":
        return "<array of %d items>" % len(value)
    return None


def _unevaluated(value, kind):
    """Returns the text of a query that asks its database when it is printed; empty: it is none."""
    for base in kind.__mro__:
        if base.__name__ in ("QuerySet", "RawQuerySet") and base.__module__ == "django.db.models.query":
            model = getattr(vars(value).get("model"), "__name__", "?")
            if vars(value).get("_result_cache") is None:
                return "<%s of %s: not asked, since that would run its query>" % (kind.__name__, model)
    return ""


def _attributes(value):
    try:
        found = object.__getattribute__(value, "__dict__")
    except Exception:
        return {}
    return dict(found) if type(found) is dict else {}


def _is_large(value):
    for base in (list, tuple, set, frozenset, dict, str, bytes, bytearray, deque):
        if isinstance(value, base):
            return base.__len__(value) > (_LARGE if base not in (str, bytes, bytearray) else _LARGE << 4)
    return False


def _name(kind):
    module = getattr(kind, "__module__", None)
    name = getattr(kind, "__qualname__", None) or "?"
    return name if not isinstance(module, str) or module in ("builtins", "__main__") else module + "." + name


def _more(size):
    return ", ... %d more" % (size - _ITEMS) if size > _ITEMS else ""


def _characters(left, what="characters"):
    return " ... %d %s more" % (left, what) if left > 0 else ""


def _cut(shown, limit):
    return shown if len(shown) <= limit else shown[:limit] + _characters(len(shown) - limit)


if sys.implementation.name != "cpython":  # a thread there costs more, and cannot be ended
    _HANGS = 1
