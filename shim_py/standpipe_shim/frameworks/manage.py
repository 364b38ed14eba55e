"""A Django project that is known only by its manage.py."""

import os
import sys


def app_of(manage):
    """Returns (app, what was loaded) for the project of the file manage. Sets DJANGO_SETTINGS_MODULE as manage.py would."""
    folder = os.path.dirname(manage)
    if folder not in sys.path:  # Python puts a script's folder there
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
