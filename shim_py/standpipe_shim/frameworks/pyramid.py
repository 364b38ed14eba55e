"""Pyramid: its static views (config.add_static_view) and its routes. The app has to be asked for a file where a tween, a permission,
a subscriber, an override or another route comes first."""

import sys

from .declared import Folder, failed, inner, max_age

_OWN_TWEEN = "pyramid.tweens.excview_tween_factory"


def _router(app):
    """Returns (the Router inside of app, what is around it) or (None, "")."""
    if "pyramid.router" not in sys.modules:
        return None, ""
    from pyramid.router import Router

    return inner(app, lambda thing: isinstance(thing, Router))


def routes(app):
    """Returns a function that says whether app has a route for a path, or None."""
    router, _ = _router(app)
    if router is None:
        return None
    from pyramid.interfaces import IRoutesMapper

    mapper = router.registry.queryUtility(IRoutesMapper)
    if mapper is None:
        return None
    return lambda path: any(route.match(path) == {} for route in mapper.get_routes())


def folders(app, mount, out):
    router, around = _router(app)
    if router is None:
        return
    from pyramid.interfaces import IRoutesMapper, IStaticURLInfo

    registry = router.registry
    static = registry.queryUtility(IStaticURLInfo)
    mapper = registry.queryUtility(IRoutesMapper)
    if static is None or mapper is None:
        return
    general = "the app is wrapped by %s" % around if around else _of_app(router, registry)
    for _, spec, name in static.registrations:
        route = mapper.get_route(name) if name else None
        if route is None or not route.pattern.endswith("/*subpath"):
            continue  # a CDN's
        prefix = "/" + route.pattern[: -len("*subpath")].lstrip("/")
        try:
            refused = general or _overridden(registry, spec) or _of_route(registry, mapper, route, prefix, static)
            out.append(_folder(registry, route, mount + prefix, spec, refused))
        except (Exception, SystemExit) as error:
            out.append(failed(mount + prefix, "Pyramid", error))


def _folder(registry, route, url, spec, refused):
    from pyramid.path import AssetResolver

    folder = Folder(url, AssetResolver(None).resolve(spec).abspath(), "Pyramid", refused)
    folder.check_there()
    for view in _views(registry, route):
        age = getattr(view["introspectable"].get("callable"), "cache_max_age", None)
        if isinstance(age, (tuple, list)):
            folder.refused = folder.refused or "its cache_max_age has directives of its own"
        elif age is not None:
            folder.cache = max_age(age)
    return folder


def _views(registry, route):
    """Returns what the registry says of the views of a route."""
    views = registry.introspector.get_category("views") or ()
    return [entry for entry in views if entry["introspectable"].get("route_name") == route.name]


def _overridden(registry, spec):
    from pyramid.interfaces import IPackageOverrides

    package = spec.partition(":")[0] if ":" in spec and not spec.startswith("/") else ""
    for name, _ in registry.getUtilitiesFor(IPackageOverrides):
        if name == package:
            return "the app overrides assets of %s" % name
    return ""


def _of_app(router, registry):
    from pyramid.interfaces import IContextFound, INewRequest, INewResponse, ITweens
    from pyramid.router import Router

    if type(router) is not Router:
        return "its router is not Pyramid's own"
    tweens = registry.queryUtility(ITweens)
    for name, _ in (tweens.explicit or tweens.implicit()) if tweens else ():
        if name != _OWN_TWEEN:
            return "the app has the tween %s" % name
    for handler in registry.registeredHandlers():
        if any(event in (INewRequest, IContextFound) or event.extends(INewRequest) for event in handler.required):
            return "the app has a subscriber to new requests"
        if any(event is INewResponse or event.extends(INewResponse) for event in handler.required):
            return "the app has a subscriber to new responses"
    return ""


def _of_route(registry, mapper, route, prefix, static):
    from pyramid.security import NO_PERMISSION_REQUIRED

    if "{" in prefix or ":" in prefix:
        return "its URL has a variable part"
    if prefix == "/":
        return "it is the whole site"
    if route.predicates or route.factory is not None:
        return "its route has conditions"
    views = _views(registry, route)
    for entry in views:
        wanted = [r.discriminator for r in entry["related"] if r.category_name == "permissions"]
        if wanted != [NO_PERMISSION_REQUIRED]:
            return "it needs the permission %s" % (wanted[0] if wanted else "of the app")
    if not views:
        return "its permission is not known"
    others = [name for _, _, name in static.registrations]
    for other in mapper.get_routes(include_static=True):
        if other.name in others:
            continue
        if ("/" + other.pattern.lstrip("/")).startswith(prefix):
            return "the route %s lies in it" % other.name
    for other in mapper.get_routes():
        if other is route:
            return ""
        if other.match(prefix + "standpipe.css") is not None:
            return "the route %s comes first" % other.name
    return ""


def observe(callback):
    """Calls callback with each exception for which the app has an exception view. Without one, Pyramid raises it."""
    from pyramid import tweens

    before = getattr(tweens, "_error_handler", None)
    if before is None:
        return

    def handle(request, error):
        callback(error)
        return before(request, error)

    tweens._error_handler = handle
