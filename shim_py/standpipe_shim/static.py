"""What files the app declares, for Go to serve: folders, and for each whether the app has to be asked. Go's rule is that no
guard of the app's is passed by, so what is not understood here is refused, with the reason. Looks only at frameworks that the
app has imported; whatever goes wrong in it declares nothing and never keeps the app from serving."""

import os
import sys

MOST = 256  # entries; a project with more of them has a build step


class Folder:
    """One folder: url as clients ask for it ("/static/"), dir absolute, kind such as "Flask", refused: why not, or empty."""

    def __init__(self, url, path, kind, refused=""):
        self.url = url
        self.dir = os.path.abspath(path)
        self.kind = kind
        self.refused = refused


def declared(app, mount):
    """Returns the folders of app, whose SCRIPT_NAME is mount, as maps for Ready."""
    found = []
    for root, name in (("flask", "static_flask"), ("django", "static_django"), ("pyramid", "static_pyramid")):
        if root not in sys.modules:
            continue
        try:
            found.extend(_module(name).folders(app, mount))
        except (Exception, SystemExit):  # an unknown release, a broken URLconf: the app serves its files itself
            pass
    return [
        {"url": f.url, "dir": f.dir, "kind": f.kind, "refused": f.refused[:1000]}
        for f in found[:MOST]
        if f.refused or os.path.isdir(f.dir)
    ]


def _module(name):
    full = __package__ + "." + name
    __import__(full)
    return sys.modules[full]


def inner(app, is_wanted):
    """Returns (what is wanted inside of app, the name of what is around it) or (None, "")."""
    around = ""
    for _ in range(16):
        if is_wanted(app):
            return app, around
        around = around or type(app).__name__
        for name in ("app", "wsgi_app", "application", "_app", "wrapped"):
            inside = getattr(app, "__dict__", {}).get(name)
            if callable(inside):
                app = inside
                break
        else:
            return None, ""
    return None, ""


def name_of(function):
    """Returns what a person calls a function."""
    return getattr(function, "__qualname__", None) or type(function).__name__


def comes_from(function, module):
    """Says whether a function's code is module's own package's, and nothing is around it."""
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    folder = os.path.dirname(os.path.abspath(module.__file__))
    return code is not None and not hasattr(function, "__wrapped__") and os.path.abspath(code.co_filename).startswith(folder + os.sep)
