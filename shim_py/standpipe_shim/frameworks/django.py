"""Django: the app of a project that is known only by its manage.py, its routes, its quick results, what it refuses without a word.
Its static files are in django_static."""

import os
import sys
from weakref import ReferenceType

from .declared import inner

_PROBE = "-standpipe-asks-whether-everything-is-taken"
_MOST = 100  # hosts, and origins, that are logged by one worker
_trusted = []  # the receivers of request_finished that were last found to be Django's own


def app_of(manage):
    """Returns (app, what was loaded) for the project of the file manage. Sets DJANGO_SETTINGS_MODULE as manage.py would."""
    folder = os.path.dirname(manage)
    if folder not in sys.path:  # Python puts the folder of a script there
        sys.path.insert(0, folder)
    module = settings_named_in(manage)
    if module:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", module)
    from django.conf import settings

    path = getattr(settings, "WSGI_APPLICATION", None)
    if path:
        name, _, attribute = path.rpartition(".")
        __import__(name)
        return getattr(sys.modules[name], attribute), name + ":" + attribute
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application(), "django.core.wsgi:get_wsgi_application"


def settings_named_in(manage):
    """Returns the default that manage.py gives to DJANGO_SETTINGS_MODULE, or an empty str."""
    import re

    try:
        with open(manage, encoding="utf-8", errors="replace") as source:
            text = source.read(256 << 10)
    except OSError:
        return ""
    found = re.search(r"""DJANGO_SETTINGS_MODULE["']\s*(?:,|\]\s*=)\s*["']([\w.]+)["']""", text)
    return found.group(1) if found else ""


def folders(app, mount, out):
    if "django.core.handlers.wsgi" not in sys.modules:
        return None
    from .django_static import folders

    return folders(app, mount, out)


def routes(app):
    """Returns a function that says whether app has a route for a path, or None."""
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


def is_quick(result):
    """An HttpResponse that holds its content. Its close() closes uploaded files, and sends request_finished: Django's own receivers
    give database connections back. A connection that has failed is tried there, which may take any time."""
    kind = type(result)
    modules = sys.modules
    if kind.close is not modules["django.http.response"].HttpResponse.close:
        return False
    if type(result._container) is not list or len(result._container) != 1:
        return False
    if kind.__iter__.__module__ not in ("django.http.response", "django.template.response"):
        return False
    for closer in result._resource_closers:
        if closer.__func__ is not modules["django.http.request"].HttpRequest.close:
            return False
    receivers = modules["django.core.signals"].request_finished.receivers
    if receivers != _trusted:
        if not all(map(_is_of_django, receivers)):
            return False
        _trusted[:] = receivers
    if "django.db" in modules:
        for connection in modules["django.db"].connections.all(initialized_only=True):
            if connection.errors_occurred:
                return False
    return True


def _is_of_django(entry):
    receiver = entry[1]
    if isinstance(receiver, ReferenceType):
        receiver = receiver()
    return receiver is None or receiver.__module__.startswith("django.")


def watch_refusals(worker):
    """Django answers 400 for a host that ALLOWED_HOSTS does not name, and 403 for a form from an origin that it does not trust (a
    proxy that ends TLS and does not say so), and without DEBUG its logging prints neither. A project that has given the logger
    handlers of its own has decided what is logged."""
    _watch(worker, "django.security.DisallowedHost", "host_refused", "host", ("HTTP_HOST",), "")
    _watch(worker, "django.security.csrf", "origin_refused", "origin", ("HTTP_ORIGIN", "HTTP_REFERER"), " checking failed")


def _watch(worker, name, event, field, variables, only):
    import logging

    told = set()

    class Refused(logging.Handler):
        def emit(self, record):
            meta = getattr(getattr(record, "request", None), "META", None) or {}
            value = str(next((meta[name] for name in variables if meta.get(name)), ""))[:255]
            text = record.getMessage()
            if only in text and value not in told and len(told) < _MOST:
                told.add(value)
                worker.log.put("warn", event, text, **{field: value})

    logger = logging.getLogger(name)
    if not logger.handlers:
        logger.addHandler(Refused())


def observe(callback):
    """Calls callback with each exception for which Django answers 500. With DEBUG the page is Django's own, which knows more of it."""
    from django.conf import settings
    from django.core.signals import got_request_exception

    def receive(sender, **more):
        error = sys.exc_info()[1]
        if error is not None and not settings.DEBUG:
            callback(error)

    got_request_exception.connect(receive, weak=False)


def settings():
    """Returns [(name, value)] of the settings that the project sets."""
    from django.conf import settings

    if not settings.configured:
        return []
    return [(name, getattr(settings, name)) for name in dir(settings) if name.isupper() and settings.is_overridden(name)]
