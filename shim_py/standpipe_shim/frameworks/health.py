"""Which of the health paths, which Go answers before any app is asked, the app has a route of its own for: then a person is
told. Only routes are looked up; no view, middleware or guard runs. Looks only at frameworks that the app has imported."""

import sys

from .declared import inner

_PROBE = "-standpipe-asks-whether-everything-is-taken"


def answered(app, mount, paths):
    """Returns (those of paths that the app, whose SCRIPT_NAME is mount, routes; why that could not be found out)."""
    beneath = [path for path in paths if path.startswith(mount + "/")]
    for root, look in _FRAMEWORKS:
        if not beneath or root not in sys.modules:
            continue
        try:
            has = look(app)
            if has is not None:
                return [path for path in beneath if has(path[len(mount) :])], ""
        except (Exception, SystemExit) as error:  # an unknown release, a broken URLconf: the app says so itself
            return [], "%s: %s" % (type(error).__name__, str(error)[:1000])
    return [], ""


def _flask(app):
    flask = sys.modules["flask"]
    found, _ = inner(app, lambda thing: isinstance(thing, flask.Flask))
    if found is None or getattr(found.url_map, "host_matching", False):
        return None
    http = sys.modules["werkzeug.exceptions"].HTTPException  # a redirect to a slash is one too

    def has(path):
        try:
            rule, _ = found.url_map.bind("localhost").match(path, method="GET", return_rule=True)
        except http:
            return False
        return not rule.arguments

    return has


def _django(app):
    from django.core.handlers.base import BaseHandler

    if inner(app, lambda thing: isinstance(thing, BaseHandler))[0] is None:
        return None
    from django.urls import Resolver404, get_resolver

    def view(path):
        try:
            return get_resolver().resolve(path).func
        except Resolver404:
            return None

    return lambda path: view(path) is not None and view(path) is not view(path + _PROBE)


def _pyramid(app):
    if "pyramid.router" not in sys.modules:
        return None
    from pyramid.interfaces import IRoutesMapper
    from pyramid.router import Router

    router, _ = inner(app, lambda thing: isinstance(thing, Router))
    mapper = router and router.registry.queryUtility(IRoutesMapper)
    if mapper is None:
        return None
    return lambda path: any(route.match(path) == {} for route in mapper.get_routes())


def _bottle(app):
    found, _ = inner(app, lambda thing: isinstance(thing, sys.modules["bottle"].Bottle))
    if found is None:
        return None
    return lambda path: any(path in found.router.static.get(method, ()) for method in ("GET", "ANY"))


def _falcon(app):
    found, _ = inner(app, lambda thing: isinstance(thing, sys.modules["falcon"].App))
    if found is None:
        return None

    def has(path):
        route = found._router.find(path)
        return route is not None and route[0] is not None and not route[2]

    return has


_FRAMEWORKS = (("flask", _flask), ("django", _django), ("pyramid", _pyramid), ("bottle", _bottle), ("falcon", _falcon))
