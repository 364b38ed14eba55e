"""Falcon: its routes."""

import sys

from .declared import inner


def routes(app):
    """Returns a function that says whether app has a route for a path, or None."""
    found, _ = inner(app, lambda thing: isinstance(thing, sys.modules["falcon"].App))
    if found is None:
        return None

    def has(path):
        route = found._router.find(path)
        return route is not None and route[0] is not None and not route[2]

    return has
