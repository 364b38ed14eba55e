"""What Ready says about the framework of an app, and what the log says about it. Imported when the app has imported one."""

import os
import sys

from . import framework
from .declared import MOST, failed, is_there, trouble

_NAMES = {"flask": "Flask", "django": "Django", "bottle": "Bottle", "falcon": "Falcon", "pyramid": "Pyramid", "web": "web.py"}
_NAMES.update({"cherrypy": "CherryPy", "dash": "Dash", "webob": "WebOb", "werkzeug": "Werkzeug", "pecan": "Pecan", "hug": "hug"})


def describe(app):
    """Returns such as "Flask 3.1.3"; without a release when none is found; empty for an app of no known framework."""
    for base in type(app).__mro__ + (app,):
        root = (getattr(base, "__module__", None) or "").split(".")[0]
        if root in _NAMES and root in sys.modules:
            release = _release(sys.modules[root], _NAMES[root])
            if release or root != "web":  # a module that a project calls web is not web.py
                return (_NAMES[root] + " " + release).strip()
    return ""


def _release(module, project):
    """Returns the release of an installed package. Costs one directory listing; importlib.metadata would cost 10 ms."""
    filename = getattr(module, "__file__", None) or ""
    folder = os.path.dirname(filename)
    if os.path.basename(filename).startswith("__init__."):
        folder = os.path.dirname(folder)
    try:
        for entry in os.listdir(folder):
            if entry.endswith((".dist-info", ".egg-info")):
                name, _, rest = entry.rpartition(".")[0].partition("-")
                if _plain(name) == _plain(project):
                    return rest.split("-")[0]
    except OSError:
        pass
    return ""


def _plain(name):
    return name.lower().replace("_", "-").replace(".", "-")


def declared(app, mount):
    """Returns (the static folders of app, whose SCRIPT_NAME is mount, as maps for Ready; the app, or what has to stand around it).

    Go must pass by no guard of the app, so what is not understood here is refused, with the reason. A declaration that cannot be
    read keeps no app from serving, and no other declaration from being read: it becomes a trouble, which Go writes to the log and
    to the start."""
    found = []
    for root, kind in (("flask", "Flask"), ("django", "Django"), ("pyramid", "Pyramid")):
        if root in sys.modules:
            try:
                app = framework(root).folders(app, mount, found) or app
            except (Exception, SystemExit) as error:  # an unknown release, a broken URLconf: the app serves its files itself
                found.append(failed("", kind, error))
    wanted = [folder for folder in found if folder.refused or folder.trouble or is_there(folder.dir)]
    if len(wanted) > MOST:
        left = len(wanted) - MOST + 1
        wanted[MOST - 1 :] = [trouble("", "", wanted[MOST].kind, "%d folders more than %d are left to the app" % (left, MOST - 1))]
    return [folder.packed() for folder in wanted], app


def answered(app, mount, paths):
    """Returns (those of the health paths, which Go answers before any app is asked, that the app, whose SCRIPT_NAME is mount, has a
    route for: then a person is told; why that could not be found out). Only routes are looked up; no view, middleware or guard
    runs."""
    beneath = [path for path in paths if path.startswith(mount + "/")]
    for root in ("flask", "django", "pyramid", "bottle", "falcon"):
        if not beneath or root not in sys.modules:
            continue
        try:
            has = framework(root).routes(app)
            if has is not None:
                return [path for path in beneath if has(path[len(mount) :])], ""
        except (Exception, SystemExit) as error:  # an unknown release, a broken URLconf: the app itself will say so
            return [], "%s: %s" % (type(error).__name__, str(error)[:1000])
    return [], ""


def tell(worker, app, threads):
    """Logs what an app that has just been loaded is known to need and its settings do not give, and from now on what a framework
    refuses without a word. threads: of the worker; greenlets do not count."""
    if "engineio" in sys.modules and _is_socketio(app):
        text = (
            'Socket.IO keeps its sessions in the memory of one worker, so with more workers clients get "Invalid session": '
            "-w 1 --threads 100, or -w 1 --gevent 1000. WebSocket needs a server of its own and a [[route]] to it; long polling works here"
        )
        worker.log.put("warn", "one_worker_needed", text)
    library = _patched() if threads > 1 and not worker.greenlets else ""
    if library:
        flag = "--gevent 1000 in the place of threads" if library == "gevent" else "--threads 1, or leave eventlet out"
        text = "the app patches Python with %s, so its %d threads run one after the other: %s"
        worker.log.put("warn", "patched_threads", text % (library, threads, flag))
    if "django" in sys.modules:
        framework("django").watch_refusals(worker)


def _is_socketio(app):
    """Says whether app, or what it wraps, is a Socket.IO server."""
    for _ in range(8):
        if any((base.__module__ or "").split(".")[0] in ("socketio", "engineio", "flask_socketio") for base in type(app).__mro__):
            return True
        names = vars(app) if hasattr(app, "__dict__") else {}
        app = names.get("wsgi_app") or names.get("app") or names.get("application")
        if app is None:
            return False
    return False


def _patched():
    """Returns the library that has replaced Python's threads by greenlets; empty: none has."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        return "gevent"
    patcher = sys.modules.get("eventlet.patcher")
    return "eventlet" if patcher is not None and patcher.is_monkey_patched("thread") else ""
