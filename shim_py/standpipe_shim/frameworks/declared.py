"""What files the app declares, for Go to serve: folders, and for each whether the app has to be asked. Go's rule is that no
guard of the app's is passed by, so what is not understood here is refused, with the reason. Looks only at frameworks that the
app has imported. A declaration that cannot be read keeps no app from serving and no other declaration from being read: it
becomes a trouble, which Go writes to the log and to the start."""

import os
import sys

MOST = 256  # entries; a project with more of them has a build step
_FRAMEWORKS = (("flask", "flask", "Flask"), ("django", "django", "Django"), ("pyramid", "pyramid", "Pyramid"))


class Folder:
    """One folder: url as clients ask for it ("/static/"), dir absolute, kind such as "Flask", refused: why not, or empty."""

    def __init__(self, url, path, kind, refused=""):
        self.url = url
        self.dir = os.path.abspath(path) if path else ""
        self.kind = kind
        self.refused = refused
        self.trouble = ""  # why nothing of it can be served, by anybody
        self.traceback = ""
        self.fields = []  # [name, value, ...] that the app gives each of its files
        self.cache = ""  # Cache-Control where the name is not proved to be made of the content
        self.charset = ""  # of all text files
        self.types = []  # [".suffix" or "name", media type, ...]
        self.https = False  # the app answers requests that came by http

    def packed(self):
        """Returns the map for Ready. What is empty is left out."""
        out = {"url": self.url, "dir": self.dir, "kind": self.kind, "refused": self.refused[:1000]}
        for key in ("trouble", "traceback", "fields", "cache", "charset", "types", "https"):
            value = getattr(self, key)
            if value:
                out[key] = value
        return out


def trouble(url, path, kind, why):
    """Returns the Folder that stands for a declaration of which nothing can be served."""
    folder = Folder(url, path, kind)
    folder.trouble = why[:1000]
    return folder


def failed(url, kind, error):
    """Returns the Folder that stands for a declaration that could not be read."""
    from ..core.report import text_of, trace

    folder = trouble(url, "", kind, "it cannot be read: %s: %s" % (type(error).__name__, text_of(error)))
    folder.traceback = trace(error)[:8192]
    return folder


def declared(app, mount):
    """Returns (the folders of app, whose SCRIPT_NAME is mount, as maps for Ready; the app, or what has to stand around it)."""
    found = []
    for root, name, kind in _FRAMEWORKS:
        if root not in sys.modules:
            continue
        try:
            app = _module(name).folders(app, mount, found) or app
        except (Exception, SystemExit) as error:  # an unknown release, a broken URLconf: the app serves its files itself
            found.append(failed("", kind, error))
    wanted = [folder for folder in found if folder.refused or folder.trouble or is_there(folder.dir)]
    if len(wanted) > MOST:
        left = len(wanted) - MOST + 1
        wanted[MOST - 1 :] = [trouble("", "", wanted[MOST].kind, "%d folders more than %d are left to the app" % (left, MOST - 1))]
    return [folder.packed() for folder in wanted], app


def is_there(path):
    """Says whether there is something of that name, or may be: this user cannot look."""
    try:
        os.stat(path)
    except (FileNotFoundError, ValueError):
        return False
    except OSError:
        pass
    return True


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


def root_of(thing):
    """Returns the top-level package that a function, a method or an object of a class comes from."""
    return (getattr(thing, "__module__", None) or type(thing).__module__ or "").split(".")[0]


def comes_from(function, module):
    """Says whether a function's code is module's own package's, and nothing is around it."""
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    folder = os.path.dirname(os.path.abspath(module.__file__))
    return code is not None and not hasattr(function, "__wrapped__") and os.path.abspath(code.co_filename).startswith(folder + os.sep)


def max_age(seconds):
    """Returns the Cache-Control for an age that an app gives its files."""
    return "public, max-age=%d" % seconds if seconds > 0 else ""
