"""One sentence for each way in which a boot can fail. Imported only when one has.

Each sentence follows `app "shop" did not start: `, says where, and what to do."""

import os
import sys

from ..core.report import cut, frames_of, is_own, place, shown, text_of
from . import shape
from .guard import AppRun
from .loader import Failure


def explain(error, boot, target):
    """Returns the Failure for what the import of the app raised. target: the module that APP names; empty for a file."""
    base = boot["dir"]
    filename, line, _ = place(error, base)
    where = "%s:%d" % (shown(filename, base), line)
    found = frames_of(error)
    if isinstance(error, AppRun):
        text = '%s starts a server of its own (%s) while it is imported; put that under `if __name__ == "__main__":`'
        return _failure("app_run", text % (where, error), filename, line, error, base)
    if isinstance(error, ModuleNotFoundError) and error.name:
        if not found:
            return _no_module(error, target, base)
        return _failure("error", _missing(error, boot, found, filename, line), filename, line, error, base)
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
        text = "%s:%d: %s: %s" % (shown(error.filename, base), error.lineno or 0, type(error).__name__, error.msg)
        return _failure("error", text, error.filename, error.lineno or 0, error, base)
    message = _one_line(text_of(error))
    unset = not os.environ.get("DJANGO_SETTINGS_MODULE")
    if unset and type(error).__name__ == "ImproperlyConfigured" and "DJANGO_SETTINGS_MODULE" in message:
        from ..frameworks.manage import settings_named_in

        guess = settings_named_in(os.path.join(base, "manage.py")) or "project.settings"
        text = "%s uses Django's settings, but DJANGO_SETTINGS_MODULE is not set; say -e DJANGO_SETTINGS_MODULE=%s"
        return _failure("settings", text % (where if line else "the app", guess), filename, line, error, base)
    if isinstance(error, SystemExit):
        text = "%s called sys.exit(%s) while it was imported" % (where if line else "the app", _one_line(repr(error.code)))
        return _failure("error", text, filename, line, error, base)
    text = "%s: %s" % (type(error).__name__, message) if message else type(error).__name__
    if line:
        text = where + ": " + text
    return _failure("error", text, filename, line, error, base)


def guessed(failure, tried):
    """Says of a failure that what failed is a guess, if it is: a file further down than the usual places. tried: the files
    that were imported."""
    if tried and "/" in tried[-1]:
        failure.message += (
            "; %s is a guess, nothing names the app: if it is elsewhere, name it, such as standpipe serve shop.wsgi:application" % tried[-1]
        )
        failure.args = (failure.message,)
    return failure


def _failure(kind, message, filename, line, error, base):
    return Failure(kind, message, shown(filename, base), line, error)


def _one_line(text):
    return cut(" ".join(text.split()), 500)


def _no_module(error, target, base):
    text = "there is no module %s" % (target or error.name)
    if target and error.name != target and target.startswith(error.name + "."):
        text += " (no %s either)" % error.name
    text += "; looked in %s and on the rest of sys.path%s" % (base, other_venv((target or error.name).split(".")[0], base, False))
    names = set()
    folder = base
    head, _, last = (target or error.name).rpartition(".")
    if head and head in sys.modules and getattr(sys.modules[head], "__path__", None):
        folder = list(sys.modules[head].__path__)[0]
    else:
        head, last = "", (target or error.name).split(".")[0]
    try:
        for entry in os.listdir(folder):
            stem, extension = os.path.splitext(entry)
            if extension == ".py" or os.path.isfile(os.path.join(folder, entry, "__init__.py")):
                names.add(stem)
    except OSError:
        pass
    close = _nearest(last, names - {last})
    if close:
        text += "; did you mean %s?" % ((head + "." if head else "") + close)
    return Failure("no_module", text, error=error)


def _missing(error, boot, found, filename, line):
    base = boot["dir"]
    top = error.name.split(".")[0]
    local = getattr(sys.modules.get(top), "__file__", None) or ""
    if local and is_own(local, base):
        lack = "which is not in " + base
    else:
        version = "%d.%d.%d" % sys.version_info[:3]
        python = "%s (%s%s)" % (sys.executable or "this Python", version, ", " + boot["found"] if boot["found"] else "")
        lack = "which %s does not have%s" % (python, other_venv(top, base))
    last = found[-1]
    if (last[0], last[1]) == (filename, line):
        return "%s:%d imports %s, %s" % (shown(filename, base), line, error.name, lack)
    return "%s:%d leads to %s:%d, which imports %s, %s" % (
        shown(filename, base),
        line,
        shown(last[0], base),
        last[1],
        error.name,
        lack,
    )


def other_venv(module, base, without_it=True):
    """Returns the end of a sentence that names a virtual environment which has the module and is not this one. Where this
    interpreter is in none at all, without_it lets one be named that lies near and has it not. Empty: there is none."""
    without = broken = ""
    for folder in _venvs(base):
        if _same(folder, sys.prefix) or not _trusted(folder, base):
            continue
        near = os.path.dirname(folder) in (base, os.path.dirname(base))
        if not _runs(folder):
            if near or _holds(folder, module):
                broken = broken or "; the virtual environment %s has no Python that runs: make it again" % folder
            continue
        say = "--venv " + (shown(folder, base) if shown(folder, base) == os.path.basename(folder) else folder)
        if _holds(folder, module):
            return "; the virtual environment %s has it: say %s" % (folder, say)
        without = without or near and "; there is a virtual environment, %s: say %s to use it" % (folder, say)
    return without or broken if without_it and sys.prefix == sys.base_prefix else ""


def _is_environment(folder):
    """Says whether a folder is a virtual environment (PEP 405) or one that conda made."""
    return os.path.isfile(os.path.join(folder, "pyvenv.cfg")) or os.path.isdir(os.path.join(folder, "conda-meta"))


def _runs(folder):
    """Says whether an environment has an interpreter: it goes when the Python that it was made of is removed."""
    names = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
    return any(os.access(os.path.join(folder, name), os.X_OK) for name in names)


def _trusted(folder, base):
    """Says whether what lies there may be proposed: in /tmp, say, anybody may put a folder."""
    if not hasattr(os, "geteuid"):
        return True
    try:
        return os.stat(folder).st_uid in (0, os.geteuid(), os.stat(base).st_uid)
    except OSError:
        return False


def _venvs(base):
    """Yields virtual environments near the app's dir, and those that virtualenvwrapper, pipenv, poetry and cPanel would
    make for it."""
    folder = base
    for _ in range(3):
        try:
            names = sorted(os.listdir(folder))[:500]
        except OSError:
            names = []
        for name in names:
            if _is_environment(os.path.join(folder, name)):
                yield os.path.join(folder, name)
        folder = os.path.dirname(folder)
    home = os.path.expanduser("~")
    if home.startswith("~"):
        return
    import glob

    name = glob.escape(os.path.basename(base))
    shelves = [
        os.environ.get("WORKON_HOME") or "",
        os.path.join(home, ".virtualenvs"),
        os.path.join(home, ".local", "share", "virtualenvs"),
    ]
    shelves += [os.path.join(home, ".cache", "pypoetry", "virtualenvs"), os.path.join(home, "virtualenv")]
    for shelf in filter(None, shelves):
        for pattern in (name, name + "-*", os.path.join(name, "*")):
            for path in sorted(glob.glob(os.path.join(glob.escape(shelf), pattern, "pyvenv.cfg"))):
                yield os.path.dirname(path)


def _holds(folder, module):
    import glob

    for lib in glob.glob(os.path.join(glob.escape(folder), "lib*", "py*", "site-packages")) + [
        os.path.join(folder, "Lib", "site-packages")
    ]:
        if os.path.isdir(os.path.join(lib, module)) or os.path.isfile(os.path.join(lib, module + ".py")):
            return True
    return False


def _same(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def no_file(path, base):
    text = "there is no file %s in %s" % (shown(path, base), base)
    folder = os.path.dirname(path)
    try:
        close = _nearest(os.path.basename(path), [name for name in os.listdir(folder) if name.endswith((".py", ".wsgi"))])
    except OSError:
        close = ""
    if close:
        text += "; did you mean %s?" % shown(os.path.join(folder, close), base)
    return Failure("no_module", text)


def asgi(thing, what, label):
    """An ASGI app: its project's WSGI app where there is one, else how to make it one."""
    kind = thing if isinstance(thing, type) else type(thing)
    name = "" if kind.__name__ in ("function", "method", "partial") else " (%s)" % kind.__name__
    text = "%s is an ASGI app%s; standpipe serves WSGI" % (what, name)
    beside = _wsgi_beside(label)
    module = sys.modules.get(label)
    django = (getattr(kind, "__module__", None) or "").startswith(("django.", "channels.")) or (
        "django" in sys.modules and label.rpartition(".")[2] == "asgi" and hasattr(module, "get_asgi_application")
    )
    if beside:
        text += ". Its project has a WSGI app too: standpipe serve %s" % beside
    elif django:
        text += ". Django makes a WSGI app too: in a wsgi.py, application = django.core.wsgi.get_wsgi_application()"
    else:
        text += ". Wrap it: pip install a2wsgi, and in a wsgi.py, application = a2wsgi.ASGIMiddleware(%s)" % what.replace(":", ".")
        text += "; or run it with an ASGI server, and let a [[route]] lead there"
    return Failure("asgi", text)


def _wsgi_beside(label):
    """Returns how to name the module wsgi beside the one that label names; empty when there is none."""
    module = sys.modules.get(label)
    filename = getattr(module, "__file__", None) or (sys.argv[0] if sys.argv else "")
    if not os.path.isfile(os.path.join(os.path.dirname(filename), "wsgi.py")) or os.path.basename(filename) == "wsgi.py":
        return ""
    if label.endswith(".py"):
        return label[: -len(os.path.basename(label))] + "wsgi.py"
    return (label.rpartition(".")[0] + "." if "." in label else "") + "wsgi"


def no_attribute(thing, done, name, module, label):
    text = "%s has no %s" % (done, name)
    close = _nearest(name, [other for other in dir(thing) if not other.startswith("_")])
    if close:
        text += "; did you mean %s?" % close
    apps = _apps_in(module)
    if apps:
        text += "; what looks like an app there: " + ", ".join(label + ":" + other for other in apps)
    return Failure("no_attribute", text)


def no_app(module, label):
    text = "%s has no application, app, create_app or make_app" % label
    apps = _apps_in(module)
    if apps:
        text += "; what looks like an app there: " + ", ".join(label + ":" + other for other in apps)
    elif getattr(module, "__path__", None):
        text += _inside(module, label)
    return Failure("no_app", text)


def _inside(package, label):
    """Returns the end of a sentence that says where in a package, or in a folder that is none, the app may be."""
    folder = list(package.__path__)[0]
    if getattr(package, "__file__", None) is None:
        return "; it is a folder and no package: --dir %s looks for the app in it" % label.replace(".", os.sep)
    for name in ("wsgi", "app", "main"):
        if os.path.isfile(os.path.join(folder, name + ".py")):
            return "; did you mean %s.%s?" % (label, name)
    return ""


def nothing_found(base, candidates, skipped):
    if skipped:
        text = "no app was found in %s: %s has no application, app, create_app or make_app" % (base, ", ".join(skipped))
    elif candidates:
        text = "no app was found in %s: there is no %s" % (base, ", ".join(candidates))
    else:
        text = "no app was found in %s: it has no wsgi.py, app.py, main.py, passenger_wsgi.py or manage.py, nor a package with one" % base
    try:
        others = sorted(
            name for name in os.listdir(base) if name.endswith((".wsgi", ".py")) and name not in candidates and name not in _NOT_APPS
        )
    except OSError:
        others = []
    others.sort(key=lambda name: not name.endswith(".wsgi"))
    if others:
        return Failure("no_app", text + "; name it, such as standpipe serve %s" % others[0])
    return Failure("no_app", text + "; name it, such as shop.wsgi:application")


_NOT_APPS = ("__init__.py", "setup.py", "conftest.py", "manage.py", "gunicorn.conf.py", "settings.py", "config.py")


def _apps_in(module):
    names = [name for name, thing in list(vars(module).items()) if not name.startswith("_") and _looks(thing)]
    return sorted(names)[:8]


def _looks(thing):
    try:
        return shape.looks_like_app(thing)
    except Exception:  # a lazy object may raise at any look at it
        return False


def _nearest(name, names):
    import difflib

    close = difflib.get_close_matches(name, [n for n in names if abs(len(n) - len(name)) <= max(1, len(name) // 4)], 1, 0.7)
    return close[0] if close else ""
