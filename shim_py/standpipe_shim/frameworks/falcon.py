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


def observe(callback):
    """Calls callback with each exception for which Falcon's own handler answers 500; handlers of the app are left alone."""
    import falcon

    before = falcon.App._compose_error_response

    def compose(self, request, response, error):
        raised = sys.exc_info()[1]
        if isinstance(error, falcon.HTTPInternalServerError) and isinstance(raised, Exception) and not isinstance(raised, falcon.HTTPError):
            callback(raised)
        return before(self, request, response, error)

    falcon.App._compose_error_response = compose
