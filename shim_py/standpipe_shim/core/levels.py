"""The level that the app's logging gives a record, for the tag of the lines that its handlers write (shim/PROTOCOL.md, "Tags").

logging.Handler.handle is what every handler goes through, with whatever formatter and stream: the handler of basicConfig,
Django's and Flask's, structlog's on top of logging, the one that Python takes when there is none. While it runs, the streams
of the module output know the record's level."""

import sys
from _contextvars import ContextVar

# The levelno of the record that a handler writes in this context; None: none does.
current = ContextVar("standpipe.level", default=None)


def arm():
    """From here on the level is known. logging is not imported for it: it is patched when it comes."""
    if "logging" in sys.modules:
        _patch(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, _Finder())


def letter(number):
    """Returns the letter of a level in a tag."""
    try:
        if number >= 40:
            return b"!E"
        if number >= 30:
            return b"!W"
        return b"!I" if number >= 20 else b"!D"
    except TypeError:  # a record that the app has made by hand
        return b"!I"


def _patch(logging):
    before = logging.Handler.handle

    def handle(self, record):
        mark = current.set(getattr(record, "levelno", None))
        try:
            return before(self, record)
        finally:
            current.reset(mark)

    handle.__doc__ = before.__doc__
    handle.__qualname__ = "Handler.handle"
    handle.__wrapped__ = before
    logging.Handler.handle = handle


class _Finder:
    """Waits for the first import of logging."""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    from ..boot.guard import _Loader

                    spec.loader = _Loader(spec.loader, _patch)
                return spec
        return None
