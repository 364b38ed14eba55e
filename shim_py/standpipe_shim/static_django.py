"""STATIC_ROOT of a Django project when it has been collected, or what the finders find while DEBUG is on. settings.STATIC_URL
is never asked: Django would keep the answer, without the script name that it has during a request."""

import os
import sys

from .static import Folder, inner

_PROBE = "standpipe-looks-whose-this-is"


def folders(app, mount):
    if "django.core.handlers.wsgi" not in sys.modules:
        return []
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler

    if not settings.configured:
        return []
    url = _url(settings, mount)
    if not url:
        return []
    out = [Folder(url + prefix, path, kind) for prefix, path, kind in _places(settings)]
    if out:
        refused = _refusal(app, WSGIHandler, settings, url, mount)
        for folder in out:
            folder.refused = refused
    return out


def _url(settings, mount):
    raw = getattr(settings._wrapped, "STATIC_URL", None)
    if not raw or "://" in raw or raw.startswith("//"):
        return ""  # a CDN's
    if not raw.startswith("/"):
        forced = getattr(settings, "FORCE_SCRIPT_NAME", None)
        raw = (mount if forced is None else forced).rstrip("/") + "/" + raw
    return raw if raw.endswith("/") else raw + "/"


def _places(settings):
    if not settings.DEBUG:
        root = settings.STATIC_ROOT
        if root and os.path.isdir(root) and any(True for _ in os.scandir(root)):
            return [("", root, "Django")]
        return []
    from django.apps import apps

    if not apps.is_installed("django.contrib.staticfiles"):
        return []
    from django.contrib.staticfiles import finders

    out = []
    for finder in finders.get_finders():
        if type(finder) is finders.FileSystemFinder:
            found = finder.locations
        elif type(finder) is finders.AppDirectoriesFinder:
            found = [(storage.prefix, storage.location) for storage in finder.storages.values()]
        else:
            continue
        for prefix, path in found:
            out.append((prefix.strip("/") + "/" if prefix else "", str(path), "Django, DEBUG"))
    return out


def _refusal(app, handler, settings, url, mount):
    plain = lambda thing: isinstance(thing, handler) and type(thing).__call__ is handler.__call__  # noqa: E731
    while not plain(app) and type(app).__module__.split(".")[0] == "whitenoise":
        app = app.application
    if not plain(app):
        _, around = inner(app, plain)
        return "the app is wrapped by %s" % (around or type(app).__name__)
    names = list(settings.MIDDLEWARE)
    guards = [name for name in names if not name.startswith(("django.", "whitenoise.")) or name.endswith(".LoginRequiredMiddleware")]
    for name in names:
        if name.startswith("whitenoise.") and guards and names.index(guards[0]) < names.index(name):
            return "WhiteNoise serves it behind %s" % guards[0]
    view, own = _view(url, mount)
    if view and not own:
        return "the project has a view of its own for it: %s" % view
    if view and guards:
        return "a view serves it behind %s" % guards[0]
    return ""


def _view(url, mount):
    """Returns (the name of a view that answers for files beneath url, or an empty str; whether it is Django's)."""
    from django.urls import Resolver404, get_resolver

    if mount and url.startswith(mount + "/"):
        url = url[len(mount) :]
    resolver = get_resolver()
    try:
        found = resolver.resolve(url + _PROBE).func
    except Resolver404:
        return "", False
    module = getattr(found, "__module__", "")
    if module in ("django.views.static", "django.contrib.staticfiles.views") and not hasattr(found, "__wrapped__"):
        return module, True
    try:
        if resolver.resolve("/" + _PROBE).func is found:
            return "", False  # it takes everything that nobody else takes
    except Resolver404:
        pass
    return "%s.%s" % (module, getattr(found, "__qualname__", type(found).__name__)), False
