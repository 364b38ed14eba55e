"""Bottle: its routes."""

import sys

from .declared import inner


def routes(app):
    """Returns a function that says whether app has a route for a path, or None."""
    found, _ = inner(app, lambda thing: isinstance(thing, sys.modules["bottle"].Bottle))
    if found is None:
        return None
    return lambda path: any(path in found.router.static.get(method, ()) for method in ("GET", "ANY"))


def observe(callback):
    """Calls callback with each exception for which Bottle answers 500. An app with catchall off raises it instead."""
    import bottle

    before = bottle.HTTPError.__init__

    def made(self, status=None, body=None, exception=None, traceback=None, **more):
        before(self, status, body, exception, traceback, **more)
        if isinstance(exception, Exception) and traceback:  # Bottle._handle gives both, for what a view has raised
            callback(exception)

    bottle.HTTPError.__init__ = made
