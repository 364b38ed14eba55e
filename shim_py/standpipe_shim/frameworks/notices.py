"""What a loaded app is known to need and its settings do not give, and what a framework refuses without a word."""

import sys

_MOST = 100  # hosts, and origins, that are told by one worker


def tell(worker, app, threads):
    """Sends the records that belong to an app that has just been loaded. threads: of the worker; greenlets do not count."""
    if "engineio" in sys.modules and _socketio(app):
        worker.log.put(
            "warn",
            "one_worker_needed",
            'Socket.IO keeps its sessions in one worker\'s memory, so with more workers clients get "Invalid session": '
            "-w 1 --threads 100, or -w 1 --gevent 1000. WebSocket needs a server of its own and a [[route]] to it; long polling works here",
        )
    who = _patched() if threads > 1 and not worker.greenlets else ""
    if who:
        flag = "--gevent 1000 in the place of threads" if who == "gevent" else "--threads 1, or leave eventlet out"
        worker.log.put(
            "warn",
            "patched_threads",
            "the app patches Python with %s, so its %d threads run one after the other: %s" % (who, threads, flag),
        )
    if "django" in sys.modules:
        _watch_refusals(worker)


def _socketio(app):
    """Says whether app, or what it wraps, is a Socket.IO server."""
    for _ in range(8):
        for base in type(app).__mro__:
            if (base.__module__ or "").split(".")[0] in ("socketio", "engineio", "flask_socketio"):
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
    if patcher is not None and patcher.is_monkey_patched("thread"):
        return "eventlet"
    return ""


def _watch_refusals(worker):
    """Django answers 400 for a host that ALLOWED_HOSTS does not name, and 403 for a form from an origin that it does not trust (a
    proxy that ends TLS and does not say so), and without DEBUG its logging prints neither. A project that has given the logger
    handlers of its own has decided what is to be said."""
    import logging

    def watch(logger, event, field, variables, only=""):
        told = set()

        class Refused(logging.Handler):
            def emit(self, record):
                meta = getattr(getattr(record, "request", None), "META", None) or {}
                value = str(next((meta[name] for name in variables if meta.get(name)), ""))[:255]
                text = record.getMessage()
                if only not in text or value in told or len(told) >= _MOST:
                    return
                told.add(value)
                worker.log.put("warn", event, text, **{field: value})

        logger = logging.getLogger(logger)
        if not logger.handlers:
            logger.addHandler(Refused())

    watch("django.security.DisallowedHost", "host_refused", "host", ("HTTP_HOST",))
    watch("django.security.csrf", "origin_refused", "origin", ("HTTP_ORIGIN", "HTTP_REFERER"), " checking failed")
