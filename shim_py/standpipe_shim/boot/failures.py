"""One sentence for each way in which a boot can fail, and what to do about it (advice). Imported only when one has.

Each sentence follows `app "shop" did not start: ` and says where."""

import os
import sys

from ..core import output
from ..core.frames import FAILED, frame
from ..core.packing import pack
from ..core.report import cut, frames_of, is_own, place, shown, text_of, trace
from . import Failure, advice, shape
from .guard import AppRun


def explain(error, boot, target):
    """Returns the Failure for what the import of the app raised. target: the module that APP names; empty for a file."""
    base = boot["dir"]
    filename, line, _ = place(error, base)
    where = "%s:%d" % (shown(filename, base), line)
    start = where if line else "the app"
    found = frames_of(error)
    kind, message, fix = "error", _one_line(text_of(error)), ""
    name = type(error).__name__
    unset = not os.environ.get("DJANGO_SETTINGS_MODULE")
    if isinstance(error, AppRun):
        kind = "app_run"
        text = '%s starts a server of its own (%s) while it is imported; put that under `if __name__ == "__main__":`' % (where, error)
        fix = advice.guard(shown(filename, base), line, boot)
    elif isinstance(error, ModuleNotFoundError) and error.name:
        if not found:
            return _no_module(error, target, boot)
        text, fix = _missing(error, boot, found, filename, line)
    elif isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
        filename, line = error.filename, error.lineno or 0
        text = "%s:%d: %s: %s" % (shown(filename, base), line, name, error.msg)
    elif name == "ImproperlyConfigured" and "DJANGO_SETTINGS_MODULE" in message and unset:
        kind = "settings"
        text = "%s uses Django's settings, but DJANGO_SETTINGS_MODULE is not set" % start
        fix = advice.settings(boot, advice.settings_in(base) or "PACKAGE.settings")
    elif isinstance(error, SystemExit):
        text = "%s called sys.exit(%s) while it was imported" % (start, _one_line(repr(error.code)))
    else:
        text = (where + ": " if line else "") + name + (": " + message if message else "")
    return Failure(kind, text, shown(filename, base), line, error, fix)


def guessed(failure, tried):
    """Adds to a failure of the first generation that the file which failed is a guess, if it is: one further down than the usual
    places. tried: the files that were imported."""
    if tried and "/" in tried[-1]:
        text = "; %s is a guess, nothing names the app: if it is elsewhere, name it, such as standpipe serve shop.wsgi:application"
        failure.message += text % tried[-1]
        failure.args = (failure.message,)
    return failure


def _one_line(text):
    return cut(" ".join(text.split()), 500)


def this_python(boot):
    """Returns what a sentence calls the interpreter of this worker."""
    found = ", " + boot["found"] if boot["found"] else ""
    program = shown(sys.executable, boot["dir"]) if sys.executable else "this Python"
    return "%s (%d.%d.%d%s)" % ((program,) + sys.version_info[:3] + (found,))


def _no_module(error, target, boot):
    base = boot["dir"]
    wanted = target or error.name
    typed = boot["app"]
    text = "there is no module %s" % wanted
    if typed != wanted and not boot.get("named"):
        text = "%s: %s" % (typed, text)
    if target.startswith(error.name + "."):
        text += " (no %s either)" % error.name
    text += "; looked in %s and on the rest of sys.path%s" % (base, other_venv(wanted.split(".")[0], base, False))
    head, _, last = wanted.rpartition(".")
    if head and getattr(sys.modules.get(head), "__path__", None):
        folder = list(sys.modules[head].__path__)[0]
    else:
        head, last, folder = "", wanted.split(".")[0], base
    names = set()
    for entry in _listed(folder):
        stem, extension = os.path.splitext(entry)
        if extension == ".py" or os.path.isfile(os.path.join(folder, entry, "__init__.py")):
            names.add(stem)
    near = _near(last, names - {last})
    if not near:
        mean, fix = _elsewhere(wanted, boot) or ("", _name_it(boot))
        return Failure("no_module", text + mean, error=error, fix=fix)
    near = (head + "." if head else "") + near
    if not head and wanted != last:
        near += wanted[len(last) :]
    name = boot["app"].partition(":")[2]
    return Failure(
        "no_module", text + "; did you mean %s?" % near, error=error, fix=advice.again(boot, near + (":" + name if name else ""))
    )


def _elsewhere(wanted, boot):
    """Returns where a module is, one folder up or down from where it was looked for, and how to name it there; None: it is not."""
    base, app = boot["dir"], boot["app"]
    tail = wanted.replace(".", os.sep)

    def has(folder):
        return os.path.isfile(os.path.join(folder, tail + ".py")) or os.path.isfile(os.path.join(folder, tail, "__init__.py"))

    if os.path.basename(base) == wanted.split(".")[0] and has(os.path.dirname(base)):
        return "; it is in the folder above", advice.below(boot, "..", app)
    for name in sorted(_listed(base)):
        folder = os.path.join(base, name)
        if name.startswith(".") or not has(folder):
            continue
        if name.isidentifier() and os.path.isfile(os.path.join(folder, "__init__.py")):
            return "; did you mean %s.%s?" % (name, wanted), advice.again(boot, name + "." + app)
        return "; it is in the folder %s" % name, advice.below(boot, name, app)
    return None


def _name_it(boot):
    """Says how to name what lies in the app's folder."""
    files = [name for name in _listed(boot["dir"]) if name.endswith((".wsgi", ".py")) and name not in _NOT_APPS]
    files.sort(key=lambda name: (name not in ("wsgi.py", "app.py", "main.py"), not name.endswith(".wsgi"), name))
    return advice.again(boot, files[0]) if files else "standpipe serve --dir FOLDER " + advice.quoted(boot["app"])


def _missing(error, boot, found, filename, line):
    base = boot["dir"]
    top, fix = error.name.split(".")[0], ""
    local = getattr(sys.modules.get(top), "__file__", None) or ""
    if local and is_own(local, base):
        lack = "which is not in " + base
    else:
        other = other_venv(top, base)
        lack = "which %s does not have%s" % (this_python(boot), other)
        venv = other.rpartition("say --venv ")[2].partition(" to use it")[0] if "say --venv " in other else ""
        fix = _with_venv(venv, boot) if venv else advice.install(error.name, boot)
    start = "%s:%d" % (shown(filename, base), line)
    last = found[-1]
    if (last[0], last[1]) != (filename, line):
        return "%s leads to %s:%d, which imports %s, %s" % (start, shown(last[0], base), last[1], error.name, lack), fix
    return "%s imports %s, %s" % (start, error.name, lack), fix


def _with_venv(venv, boot):
    if boot["named"]:
        return 'below [[app]] (%s), write: venv = "%s"' % (boot["named"], venv)
    return "standpipe serve --venv %s" % venv + (" " + advice.quoted(boot["app"]) if boot["app"] else "")


def other_venv(module, base, without_it=True):
    """Returns the end of a sentence that names a virtual environment which has the module and is not this one. Where this
    interpreter is in none, without_it allows one that lies near and has not the module. Empty: there is none."""
    without = broken = ""
    for folder in _venvs(base):
        if _same(folder, sys.prefix) or not _trusted(folder, base):
            continue
        near = os.path.dirname(folder) in (base, os.path.dirname(base))
        has_it = _holds(folder, module)
        if not _runs(folder):
            if near or has_it:
                broken = broken or "; the virtual environment %s has no Python that runs: make it again" % folder
            continue
        say = "--venv " + (shown(folder, base) if shown(folder, base) == os.path.basename(folder) else folder)
        if has_it:
            return "; the virtual environment %s has it: say %s" % (folder, say)
        without = without or near and "; there is a virtual environment, %s: say %s to use it" % (folder, say)
    return without or broken if without_it and sys.prefix == sys.base_prefix else ""


def _is_environment(folder):
    """Says whether a folder is a virtual environment (PEP 405) or one that conda made."""
    return os.path.isfile(os.path.join(folder, "pyvenv.cfg")) or os.path.isdir(os.path.join(folder, "conda-meta"))


def _runs(folder):
    """Says whether an environment has an interpreter: it loses it when the Python that it was made of is removed."""
    names = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
    return any(os.access(os.path.join(folder, name), os.X_OK) for name in names)


def _trusted(folder, base):
    """Says whether the sentence may propose what lies there: in /tmp, say, any user can make a folder."""
    if not hasattr(os, "geteuid"):
        return True
    try:
        return os.stat(folder).st_uid in (0, os.geteuid(), os.stat(base).st_uid)
    except OSError:
        return False


def _venvs(base):
    """Yields virtual environments near the app's dir, and those that virtualenvwrapper, pipenv, poetry and cPanel would make for
    it."""
    folder = base
    for _ in range(3):
        for name in sorted(_listed(folder))[:500]:
            if _is_environment(os.path.join(folder, name)):
                yield os.path.join(folder, name)
        folder = os.path.dirname(folder)
    home = os.path.expanduser("~")
    if home.startswith("~"):
        return
    from glob import escape, glob

    name = escape(os.path.basename(base))
    shelves = [".virtualenvs", ".local/share/virtualenvs", ".cache/pypoetry/virtualenvs", "virtualenv"]
    shelves = [os.environ.get("WORKON_HOME") or ""] + [os.path.join(home, *shelf.split("/")) for shelf in shelves]
    for shelf in filter(None, shelves):
        for pattern in (name, name + "-*", os.path.join(name, "*")):
            for path in sorted(glob(os.path.join(escape(shelf), pattern, "pyvenv.cfg"))):
                yield os.path.dirname(path)


def _holds(folder, module):
    from glob import escape, glob

    libs = glob(os.path.join(escape(folder), "lib*", "py*", "site-packages"))
    for lib in libs + [os.path.join(folder, "Lib", "site-packages")]:
        if os.path.isdir(os.path.join(lib, module)) or os.path.isfile(os.path.join(lib, module + ".py")):
            return True
    return False


def _same(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def no_file(path, base):
    folder, name = os.path.split(path)
    names = [other for other in _listed(folder) if other.endswith((".py", ".wsgi"))]
    near = _near(name, names)
    near = shown(os.path.join(folder, ""), base) + near if near else ""
    mean = "; did you mean %s?" % near if near else ""
    text = "there is no file %s in %s%s" % (shown(path, base), base, mean)
    return Failure("no_module", text, fix=lambda boot: advice.again(boot, near) if near else _name_it(boot))


def asgi(thing, what, label):
    """An ASGI app: names the WSGI app of its project where there is one, else says how to make it one."""
    kind = thing if isinstance(thing, type) else type(thing)
    name = "" if kind.__name__ in ("function", "method", "partial") else " (%s)" % kind.__name__
    text = "%s is an ASGI app%s; standpipe serves WSGI" % (what, name)
    beside = _wsgi_beside(label)
    module = sys.modules.get(label)
    django = (getattr(kind, "__module__", None) or "").startswith(("django.", "channels.")) or (
        "django" in sys.modules and label.rpartition(".")[2] == "asgi" and hasattr(module, "get_asgi_application")
    )
    line = advice.line_of(module, what[len(label) + 1 :].split("(")[0].split(".")[0])
    if beside:
        text += ". Its project has a WSGI app too"
        fix = lambda boot: advice.again(boot, beside)  # noqa: E731
    elif django:
        fix = advice.djangos
    else:
        fix = lambda boot: advice.wrapped(what, label, boot)  # noqa: E731
    return Failure("asgi", text, getattr(module, "__file__", None) or "", line, fix=fix)


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
    near = _near(name, [other for other in dir(thing) if not other.startswith("_")])
    mean = "; did you mean %s?" % near if near else ""
    apps = _apps_in(module)
    usual = [other for other in ("application", "app", "create_app", "make_app") if hasattr(module, other)]
    meant = near if near and thing is module else (apps + usual + [""])[0]
    fix = (lambda boot: advice.again(boot, label + ":" + meant)) if meant else ""
    text = "%s has no %s%s%s" % (done, name, mean, _listing(apps or usual[:1], label) or _inside(module, label))
    file = getattr(module, "__file__", None) or ""
    return Failure("no_attribute", text, file, advice.line_of(module, meant) if meant else 0, fix=fix)


def no_app(module, label):
    text = "%s has no application, app, create_app or make_app" % label
    apps = _apps_in(module)
    fix = (lambda boot: advice.again(boot, label + ":" + apps[0])) if apps else ""
    return Failure("no_app", text + (_listing(apps, label) or _inside(module, label)), fix=fix)


def _inside(package, label):
    """Returns the end of a sentence that says where in a package, or in a folder that is none, the app may be."""
    if not getattr(package, "__path__", None):
        return ""
    folder = list(package.__path__)[0]
    if getattr(package, "__file__", None) is None:
        return "; it is a folder and no package: --dir %s looks for the app in it" % label.replace(".", os.sep)
    for name in ("wsgi", "app", "main"):
        if os.path.isfile(os.path.join(folder, name + ".py")):
            return "; did you mean %s.%s?" % (label, name)
    return ""


_NOT_APPS = ("__init__.py", "setup.py", "conftest.py", "manage.py", "gunicorn.conf.py", "settings.py", "config.py")


def nothing_found(base, candidates, skipped):
    if skipped:
        why = "%s has no application, app, create_app or make_app" % ", ".join(skipped)
    elif candidates:
        why = "there is no %s" % ", ".join(candidates)
    else:
        why = "it has no wsgi.py, app.py, main.py, passenger_wsgi.py or manage.py, nor a package with one"
    others = [name for name in _listed(base) if name.endswith((".wsgi", ".py")) and name not in candidates and name not in _NOT_APPS]
    others.sort(key=lambda name: (not name.endswith(".wsgi"), name))
    such = others[0] if others else "shop.wsgi:application"
    return Failure("no_app", "no app was found in %s: %s" % (base, why), fix=lambda boot: advice.again(boot, such))


def _apps_in(module):
    """Returns the names in a module of what may be meant as an app."""
    return sorted(name for name, thing in list(vars(module).items()) if not name.startswith("_") and _looks_like_app(thing))[:8]


def _listing(apps, label):
    """Returns the end of a sentence that names them; empty: there are none."""
    return "; what looks like an app there: " + ", ".join(label + ":" + name for name in apps) if apps else ""


def _looks_like_app(thing):
    try:
        if not callable(thing) or isinstance(thing, type) or type(thing).__name__ == "module":
            return False
        required = getattr(shape.signature(thing), "required", ())
    except Exception:  # a lazy object may raise at any look at it
        return False
    return len(required) == 2 and (required[1] == "start_response" or required[0] in ("environ", "env"))


def _near(name, names):
    """Returns the nearest of names, if there is one near enough, else empty."""
    from difflib import get_close_matches

    near = [other for other in names if abs(len(other) - len(name)) <= max(1, len(name) // 4)]
    close = get_close_matches(name, near, 1, 0.7)
    return close[0] if close else ""


def fail(worker, boot, failure):
    """Says Failed, and exits with 3."""
    if worker.forked():
        worker.leave(failure.error)
    if worker.signals.stopping and isinstance(failure.error, SystemExit):
        sys.exit(0)
    base = boot["dir"]
    message, file = failure.message, shown(failure.file, base)
    if failure.line and failure.kind in _PLACELESS:
        message = "%s:%d: %s" % (file, failure.line, message)
    failed = {
        "kind": failure.kind,
        "message": message[:8192],
        "fix": _fix(boot, failure)[:8192],
        "file": file,
        "line": failure.line,
        "traceback": "" if failure.error is None else trace(failure.error),
        "dir": base,
        "sys_path": sys.path[:256],
    }
    if worker.mode is not None and failure.error is not None:
        failed["detail"] = worker.mode.of(failure.error)
    worker.put(frame(FAILED, 0, 0, pack(failed)))
    output.flush_all()
    os._exit(3)  # sys.exit would wait for threads that the app's import has left behind


_PLACELESS = ("asgi", "no_attribute")  # kinds whose sentence does not begin with the place


def _fix(boot, failure):
    try:
        return failure.fix(boot) if callable(failure.fix) else failure.fix
    except Exception:  # advice is not worth another failure
        return ""
