"""Bottle: its routes."""

import sys

from .declared import inner


def routes(app):
    """Returns a function that says whether app has a route for a path, or None."""
    found, _ = inner(app, lambda thing: isinstance(thing, sys.modules["bottle"].Bottle))
    if found is None:
        return None
    return lambda path: any(path in found.router.static.get(method, ()) for method in ("GET", "ANY"))
