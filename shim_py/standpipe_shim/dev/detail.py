"""Detail: an exception and its request as one value of msgpack, for the page that Go makes of it (shim/PROTOCOL.md)."""

import sys
from io import BytesIO

from ..core.packing import pack
from ..core.report import cut, text_of
from . import masking
from .reprs import Reprs
from .sources import Sources
from .stack import django_syntax, entries, syntax

LIMIT = 512 << 10  # bytes of a Detail
_TEXTS = 280 << 10  # characters of all sources and locals in it
_RAISED = 24  # exceptions in a chain and in groups
_FRAMES = 200  # frames of all
_MESSAGE = 8 << 10
_VALUE = 1200  # characters of a value of the environ
_FORM = 64 << 10  # bytes of a body that are shown as a form


def detail(error, base, environ=None, handled="", logged=False, body=None, sections=()):
    """Returns the bytes of a Detail. base: the app's dir. environ: of the request; None: there is none. handled: the framework
    that has answered for the exception; logged: and has logged it. body: of the request, if it is in memory. sections: further
    (title, [(name, value)])."""
    page = _Page(base)
    page.raise_all(error)
    page.add_locals()
    if environ is not None:
        page.add_request(environ, body)
    for title, pairs in sections:
        page.section(title, pairs)
    packed = page.packed(handled, logged)
    if len(packed) > LIMIT:  # many characters of several bytes
        for raised in page.raised:
            for frame in raised["frames"]:
                frame["locals"] = []
        packed = page.packed(handled, logged)
    return packed if len(packed) <= LIMIT else b""


class _Page:
    def __init__(self, base):
        self._base = base
        self._sources = Sources()
        self._reprs = Reprs()
        self._left = _TEXTS
        self._frames = _FRAMES
        self._entries = []  # (Entry, its map), in the order of the page
        self.raised = []
        self.sections = []

    def packed(self, handled, logged):
        python = "%s %d.%d.%d" % ((sys.implementation.name.replace("cpython", "CPython").replace("pypy", "PyPy"),) + sys.version_info[:3])
        return pack({"exceptions": self.raised, "sections": self.sections, "handled": handled, "logged": logged, "python": python})

    # The exceptions.

    def raise_all(self, error):
        """The exception first, then what it came from, then the members of a group, each followed by its own."""
        waiting, seen = [(error, "", 0)], set()
        while waiting and len(self.raised) < _RAISED:
            error, link, parent = waiting.pop(0)
            if id(error) in seen:
                continue
            seen.add(id(error))
            index = len(self.raised)
            self.raised.append(self._one(error, link, parent))
            before = []
            if error.__cause__ is not None:
                before.append((error.__cause__, "cause", index))
            elif error.__context__ is not None and not error.__suppress_context__:
                before.append((error.__context__, "context", index))
            members = getattr(error, "exceptions", None)
            if isinstance(members, (tuple, list)):
                before += [(member, "group", index) for member in members if isinstance(member, BaseException)]
            waiting[:0] = before

    def _one(self, error, link, parent):
        kind = type(error)
        module = kind.__module__ if isinstance(kind.__module__, str) else ""
        notes = getattr(error, "__notes__", None)
        found = entries(error) or []
        place = syntax(error) if isinstance(error, SyntaxError) or kind.__name__ == "TemplateSyntaxError" else None
        place = place or django_syntax(error)
        if place is not None and (not found or place.key[:2] != found[-1].key[:2]):
            found.append(place)
        found = found[-self._frames :] if self._frames else []
        self._frames -= len(found)
        frames = []
        for entry in found:
            frame = entry.packed(self._base, self._sources)
            size = sum(map(len, frame["source"])) + 16 * len(frame["source"])
            if size > self._left:
                frame["source"], frame["first"], frame["from"], frame["to"] = [], 0, 0, 0
            else:
                self._left -= size
            frames.append(frame)
            self._entries.append((entry, frame))
        return {
            "type": kind.__qualname__ if module in ("builtins", "__main__", "") else module + "." + kind.__qualname__,
            "message": cut(_message(error), _MESSAGE),
            "link": link,
            "parent": parent,
            "notes": [str(note)[:2000] for note in notes[:16]] if isinstance(notes, list) else [],
            "frames": frames,
        }

    def add_locals(self):
        """The app's own frames come first, the innermost before its callers: there may not be room or time for all."""
        rest = [pair for pair in reversed(self._entries) if pair[0].namespace is not None]
        for entry, frame in sorted(rest, key=lambda pair: not pair[1]["own"]):
            found, frame["more"] = entry.locals()
            for name, value in found:
                secret = entry.masked is None or name in entry.masked
                shown = masking.MASK if secret else self._reprs.of(value, name)
                self._left -= len(name) + len(shown)
                if self._left < 0:
                    frame["more"] += len(found) - len(frame["locals"]) // 2
                    break
                frame["locals"] += [name[:256], shown]

    # The request.

    def add_request(self, environ, body):
        text = {key: value for key, value in environ.items() if isinstance(key, str) and isinstance(value, str)}
        query = text.get("QUERY_STRING", "")
        if query:
            self.section("Query", _parsed(query))
        self.section("Form", self._form(text.get("CONTENT_TYPE", ""), body))
        self.section("Cookies", [(name, masking.MASK) for name in masking.cookie_names(text.get("HTTP_COOKIE", ""))])
        pairs = []
        for key, value in sorted(environ.items(), key=lambda pair: str(pair[0])):
            key, value = str(key), value[:_VALUE] if isinstance(value, str) else value
            if key == "HTTP_COOKIE" and isinstance(value, str):
                value = masking.cookies(value)
            elif masking.is_secret(key, value):
                value = masking.MASK
            elif key in ("QUERY_STRING", "REQUEST_URI", "RAW_URI", "HTTP_REFERER") and isinstance(value, str):
                value = masking.query(value)
            elif isinstance(value, str):
                value = masking.text(_readable(value))
            else:
                value = self._reprs.of(value)
            pairs.append((key, value))
        self.section("Environ", pairs)

    def _form(self, kind, body):
        """Returns the fields of a form or of a JSON object that is in memory."""
        if not body or len(body) > _FORM:
            return []
        kind = kind.partition(";")[0].strip().lower()
        if kind == "application/x-www-form-urlencoded":
            return _parsed(body.decode("latin-1"))
        if kind == "application/json" or kind.endswith("+json"):
            import json

            try:
                found = json.loads(body)
            except (ValueError, RecursionError):
                return [("not JSON", masking.text(body[:400].decode("utf-8", "replace")))]
            if isinstance(found, dict):
                return [(str(key), self._reprs.of(value, str(key))) for key, value in found.items()]
            return [("JSON", self._reprs.of(found))]
        return []

    def section(self, title, pairs):
        flat = []
        for name, value in pairs[:200]:
            name, value = str(name)[:256], str(value)[:1200]
            self._left -= len(name) + len(value)
            if self._left < -(64 << 10):  # the request has some room of its own
                break
            flat += [name, value]
        if flat:
            self.sections.append({"title": title, "pairs": flat})


def _message(error):
    """Returns the text of an exception, with Python's suggestion where there is one."""
    if isinstance(error, SyntaxError):
        return str(error.msg or "")
    text = text_of(error)
    if isinstance(error, (NameError, AttributeError, ImportError)):
        try:
            import traceback

            last = "".join(traceback.TracebackException(type(error), error, error.__traceback__).format_exception_only()).strip()
            _, _, longer = last.partition(": ")
            if longer.startswith(text) and "\n" not in longer:
                return longer
        except Exception:  # an exception whose own methods raise
            pass
    return text


def _readable(value):
    """Returns a text of the environ, which has a byte in each character (PEP 3333), by UTF-8 where it is that."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _parsed(query):
    from urllib.parse import parse_qsl

    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=400)
    except ValueError:
        return [("not parsed", masking.query(query[:800]))]
    return [(name, masking.MASK if masking.is_secret(name, value) else masking.text(value)) for name, value in pairs]


def body_of(environ):
    """Returns the body of a request that came whole and lies in memory; None: it does not."""
    source = environ.get("wsgi.input")
    return source.getvalue() if type(source) is BytesIO else None
