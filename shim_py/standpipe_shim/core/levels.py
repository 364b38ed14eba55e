"""The level that the app's logging gives a record, for the tag of the lines that its handlers write (shim/PROTOCOL.md, "Tags").

Every handler goes through logging.Handler.handle, with any formatter and stream. While it runs, the streams of output know the
level of the record."""

import sys
from _contextvars import ContextVar

from .importing import Finder

# The levelno of the record that a handler writes in this context; None: none does.
current = ContextVar("standpipe.level", default=None)


def arm():
    """From here on the level is known. logging is not imported for it: it is patched when it is imported."""
    if "logging" in sys.modules:
        _patch(sys.modules["logging"])
    else:
        Finder(("logging",), _patch, once=True).install()


def letter(number):
    """Returns the letter of a level in a tag."""
    try:
        return b"!E" if number >= 40 else b"!W" if number >= 30 else b"!I" if number >= 20 else b"!D"
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
