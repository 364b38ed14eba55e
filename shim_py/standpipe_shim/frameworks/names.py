"""Names the framework of an app, and its release, for the start banner. Costs one directory listing; importlib.metadata would
cost 10 ms."""

import os
import sys

_NAMES = {
    "flask": ("Flask", "flask"),
    "django": ("Django", "django"),
    "bottle": ("Bottle", "bottle"),
    "falcon": ("Falcon", "falcon"),
    "pyramid": ("Pyramid", "pyramid"),
    "web": ("web.py", "web.py"),
    "cherrypy": ("CherryPy", "cherrypy"),
    "dash": ("Dash", "dash"),
    "webob": ("WebOb", "webob"),
    "werkzeug": ("Werkzeug", "werkzeug"),
    "pecan": ("Pecan", "pecan"),
    "hug": ("hug", "hug"),
}


def describe(app):
    """Returns such as "Flask 3.1.3"; without a release when none is found; empty for an app of no known framework."""
    for base in type(app).__mro__ + (app,):
        root = (getattr(base, "__module__", None) or "").split(".")[0]
        if root in _NAMES and root in sys.modules:
            name, project = _NAMES[root]
            release = _release(sys.modules[root], project)
            if release or root != "web":  # a module that a project calls web is not web.py
                return (name + " " + release).strip()
    return ""


def _release(module, project):
    filename = getattr(module, "__file__", None) or ""
    folder = os.path.dirname(filename)
    if os.path.basename(filename).startswith("__init__."):
        folder = os.path.dirname(folder)
    wanted = _plain(project)
    try:
        for entry in os.listdir(folder):
            if entry.endswith((".dist-info", ".egg-info")):
                name, _, rest = entry.rpartition(".")[0].partition("-")
                if _plain(name) == wanted:
                    return rest.split("-")[0]
    except OSError:
        pass
    return ""


def _plain(name):
    return name.lower().replace("_", "-").replace(".", "-")
