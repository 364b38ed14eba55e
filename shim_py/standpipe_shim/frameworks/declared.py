"""Folders of static files that an app declares, and how to look through what is around an app."""

import os

from ..core.report import text_of, trace

MOST = 256  # folders; a project with more of them has a build step


class Folder:
    """One folder: url as clients ask for it ("/static/"), dir absolute, kind such as "Flask", refused: why Go must ask the app, or
    empty."""

    def __init__(self, url, path, kind, refused=""):
        self.url = url
        self.dir = os.path.abspath(path) if path else ""
        self.kind = kind
        self.refused = refused
        self.trouble = ""  # why none of its files can be served, by Go or by the app
        self.traceback = ""
        self.fields = []  # [name, value, ...] that the app gives each of its files
        self.cache = ""  # Cache-Control where the name is not proved to be made of the content
        self.charset = ""  # of all text files
        self.types = []  # [".suffix" or "name", media type, ...]
        self.https = False  # the app answers requests that came by http

    def packed(self):
        """Returns the map for Ready. What is empty is left out."""
        out = {"url": self.url, "dir": self.dir, "kind": self.kind, "refused": self.refused[:1000]}
        more = {key: getattr(self, key) for key in ("trouble", "traceback", "fields", "cache", "charset", "types", "https")}
        out.update((key, value) for key, value in more.items() if value)
        return out

    def check_there(self):
        if not self.refused and not is_there(self.dir):
            self.trouble = "it does not exist"


def trouble(url, path, kind, why):
    """Returns the Folder that stands for a declaration of which nothing can be served."""
    folder = Folder(url, path, kind)
    folder.trouble = why[:1000]
    return folder


def failed(url, kind, error):
    """Returns the Folder that stands for a declaration that could not be read."""
    folder = trouble(url, "", kind, "it cannot be read: %s: %s" % (type(error).__name__, text_of(error)))
    folder.traceback = trace(error)[:8192]
    return folder


def is_there(path):
    """Says whether there is something of that name, or may be: this user cannot look."""
    try:
        os.stat(path)
    except (FileNotFoundError, ValueError):
        return False
    except OSError:
        pass
    return True


def inner(app, is_wanted):
    """Returns (what is wanted inside of app, the name of what is around it) or (None, "")."""
    around = ""
    for _ in range(16):
        if is_wanted(app):
            return app, around
        around = around or type(app).__name__
        inside = [getattr(app, "__dict__", {}).get(name) for name in ("app", "wsgi_app", "application", "_app", "wrapped")]
        app = next(filter(callable, inside), None)
        if app is None:
            break
    return None, ""


def max_age(given):
    """Returns the Cache-Control for an age that an app gives its files: seconds or a timedelta."""
    seconds = int(given.total_seconds() if hasattr(given, "total_seconds") else given)
    return "public, max-age=%d" % seconds if seconds > 0 else ""
