"""STATIC_ROOT of a Django project when it has been collected, or what the finders find while DEBUG is on. settings.STATIC_URL
is never asked: Django would keep the answer, without the script name that it has during a request.

With DEBUG, runserver answers for STATIC_URL in front of the project. What of that Go cannot do (a finder that makes its files
when they are asked for) or does not do (static = "off", folders of another user than the app's) the worker does: see
django_finding.Finding."""

import os
import sys

from .declared import Folder, failed, inner, is_there, max_age, trouble

_PROBE = "standpipe-looks-whose-this-is"
_DEBUG = "Django, DEBUG"
_COLLECT = "run manage.py collectstatic"
# Middleware that neither refuses a file nor gives it a field.
_QUIET = ("GZip", "ConditionalGet", "Session", "Csrf", "CsrfView", "Authentication", "Message", "BrokenLinkEmails", "Locale", "Common")
# WSGI middleware that hands all requests on as they are, or serves the static files itself.
_OPEN = ("whitenoise", "sentry_sdk", "opentelemetry", "ddtrace", "newrelic", "elasticapm", "dj_static")


def folders(app, mount, out):
    from django.conf import settings

    if not settings.configured:
        return None
    url = _url(settings, mount)
    if not url:
        return None
    project = _Project(app, mount, settings, url)
    return project.debug(out) if settings.DEBUG else project.collected(out)


def _url(settings, mount):
    raw = _storage_options(settings).get("base_url") or getattr(settings._wrapped, "STATIC_URL", None)
    if not raw or "://" in raw or raw.startswith("//"):
        return ""  # a CDN's
    if not raw.startswith("/"):
        forced = getattr(settings, "FORCE_SCRIPT_NAME", None)
        raw = (mount if forced is None else forced).rstrip("/") + "/" + raw
    return raw if raw.endswith("/") else raw + "/"


def _storage(settings):
    """Returns what STORAGES says of static files, as a map."""
    storages = getattr(settings, "STORAGES", None) or {}
    return storages.get("staticfiles") or {"BACKEND": getattr(settings, "STATICFILES_STORAGE", "")}


def _storage_options(settings):
    return _storage(settings).get("OPTIONS") or {}


class _Project:
    def __init__(self, app, mount, settings, url):
        self.app = app
        self.mount = mount
        self.settings = settings
        self.url = url
        self.middleware = list(settings.MIDDLEWARE or ())
        self.whitenoise = next((i for i, name in enumerate(self.middleware) if name.startswith("whitenoise.")), -1)
        self.wrapped, self.wrapper = self._wrapping()
        self.view, self.own = _view(url, mount)

    def _wrapping(self):
        """Returns (the name of what stands around the app and may guard it, or an empty str; the WhiteNoise around it or None)."""
        from django.core.handlers.wsgi import WSGIHandler

        app, noise = self.app, None
        handler = lambda thing: isinstance(thing, WSGIHandler)  # noqa: E731
        for _ in range(16):
            if handler(app) and type(app).__call__ is WSGIHandler.__call__:
                return "", noise
            root = type(app).__module__.split(".")[0]
            files = handler(app) and getattr(app, "handles_files", type(app).__name__ == "StaticFilesHandler")
            inside = next((getattr(app, name) for name in ("application", "app", "wsgi") if hasattr(app, name)), None)
            if not callable(inside) or root not in _OPEN and not (root == "django" and files):
                break
            if root == "whitenoise":
                noise = app
            app = inside
        return inner(app, handler)[1] or type(app).__name__, noise

    def collected(self, out):
        """STATIC_ROOT, which web servers serve in production."""
        path = _storage_options(self.settings).get("location") or self.settings.STATIC_ROOT
        if path and os.path.isdir(path):
            try:
                empty = not any(True for _ in os.scandir(path))
            except PermissionError:
                empty = False  # the server may be able to
            if not empty:
                folder = Folder(self.url, path, "Django")
                folder.refused = self._refusal()
                self._say(folder)
                out.append(folder)
                if os.access(path, os.R_OK | os.X_OK) and self._collects():
                    self._lacking(path, out)
                return
        if not self._collects():
            return
        if not path:
            why = "STATIC_ROOT is not set, and DEBUG is off: set it, then " + _COLLECT
        elif not os.path.exists(path):
            why = "STATIC_ROOT does not exist: " + _COLLECT
        else:
            why = "STATIC_ROOT is %s: %s" % ("empty" if os.path.isdir(path) else "no folder", _COLLECT)
        out.append(trouble(self.url, path or "", "Django", why))

    def _collects(self):
        """Says whether the project has files that collectstatic would put where somebody would serve them."""
        from django.apps import apps

        if not apps.is_installed("django.contrib.staticfiles") or self.view and not self.own:
            return False
        if self.whitenoise >= 0 and getattr(self.settings, "WHITENOISE_USE_FINDERS", False):
            return False
        from django.contrib.staticfiles import finders
        from django.core.files.storage import FileSystemStorage
        from django.utils.module_loading import import_string

        backend = _storage(self.settings).get("BACKEND")
        if backend and not issubclass(import_string(backend), FileSystemStorage):
            return False  # they go elsewhere
        for name in self.settings.STATICFILES_FINDERS:
            try:
                if any(True for _ in finders.get_finder(name).list([])):
                    return True
            except Exception:  # collectstatic says what is wrong with it
                return True
        return False

    def _lacking(self, path, out):
        """Says of which folders collectstatic has copied nothing yet: one was added since, or STATIC_ROOT has a .gitkeep."""
        from django.apps import apps
        from django.contrib.staticfiles import finders
        from django.contrib.staticfiles.storage import staticfiles_storage
        from django.contrib.staticfiles.utils import get_files

        where, known = "STATIC_ROOT", None
        if getattr(staticfiles_storage, "manifest_strict", False):  # a page with a name that is not in it is an error 500
            where, known = staticfiles_storage.manifest_name, staticfiles_storage.hashed_files
        patterns = apps.get_app_config("staticfiles").ignore_patterns
        lacking = []
        for name in self.settings.STATICFILES_FINDERS:
            for storage in dict(getattr(finders.get_finder(name), "storages", None) or {}).values():
                folder = _location(storage)
                if not folder or not os.path.isdir(folder):
                    continue
                prefix, empty = getattr(storage, "prefix", None) or "", True
                for file in get_files(storage, patterns):  # the first one is there, as a rule
                    file, empty = os.path.join(prefix, file), False
                    if os.path.lexists(os.path.join(path, file)) if known is None else file.replace("\\", "/") in known:
                        break
                else:
                    if empty:
                        continue
                    lacking.append(folder)
        if lacking:
            more = " and of %d more folders" % (len(lacking) - 1) if len(lacking) > 1 else ""
            out.append(trouble(self.url, lacking[0], "Django", "nothing of it%s is in %s: %s" % (more, where, _COLLECT)))

    def debug(self, out):
        """What runserver serves. Returns what has to stand around the app, or None."""
        from django.apps import apps

        if not apps.is_installed("django.contrib.staticfiles"):
            if not self.view and apps.is_installed("django.contrib.admin"):
                out.append(trouble(self.url, "", _DEBUG, "django.contrib.staticfiles is not in INSTALLED_APPS"))
            return None
        refused = self._refusal()
        self._finders(refused, out)
        if self.view or self.whitenoise >= 0:
            return None  # the project answers for them
        from .django_finding import Finding

        return Finding(self.app, self.url, bool(refused))

    def _finders(self, refused, out):
        """Gives the folders of the finders, in the order in which they are searched, up to the first finder whose files Go
        cannot find."""
        from django.contrib.staticfiles import finders

        before = []
        for name in self.settings.STATICFILES_FINDERS:
            try:
                found = _places(finders.get_finder(name), finders)
                if found is None:
                    return
                for prefix, path in found:
                    if prefix and any(os.path.isdir(os.path.join(other, prefix)) for shorter, other in before if not shorter):
                        return  # which of the two has a name depends on the order, and Go asks the longer URL first
                    before.append((prefix, path))
                    folder = Folder(self.url + prefix, path, _DEBUG, refused)
                    if not is_there(path):
                        folder = trouble(folder.url, path, _DEBUG, "STATICFILES_DIRS names a folder that does not exist")
                    else:
                        self._say(folder)
                    out.append(folder)
            except (Exception, SystemExit) as error:
                out.append(failed(self.url, "%s, %s" % (_DEBUG, name.rpartition(".")[2]), error))

    def _guards(self):
        return [
            name for name in self.middleware if not name.startswith(("django.", "whitenoise.")) or name.endswith(".LoginRequiredMiddleware")
        ]

    def _refusal(self):
        if self.wrapped:
            return "the app is wrapped by %s" % self.wrapped
        guards = self._guards()
        if self.view and not self.own:
            return "the project has a view of its own for it: %s" % self.view
        if self.view and guards:
            return "a view serves it behind %s" % guards[0]
        for name in guards:
            if _is_whitenoise(name):
                return "its WhiteNoise is of its own kind: %s" % name
        if self.whitenoise < 0:
            return _of_whitenoise(vars(self.wrapper).get) if self.wrapper is not None else ""
        if guards and self.middleware.index(guards[0]) < self.whitenoise:
            return "WhiteNoise serves it behind %s" % guards[0]
        for name in self.middleware[: self.whitenoise]:
            short = name.rpartition(".")[2]
            if short == "CommonMiddleware" and (self.settings.PREPEND_WWW or self.settings.DISALLOWED_USER_AGENTS):
                return "WhiteNoise serves it behind CommonMiddleware with PREPEND_WWW or DISALLOWED_USER_AGENTS"
            if short not in ("SecurityMiddleware", "XFrameOptionsMiddleware") and short[: -len("Middleware")] not in _QUIET:
                return "WhiteNoise serves it behind %s" % short
        return _of_whitenoise(self._setting)

    def _setting(self, name):
        return getattr(self.settings, "WHITENOISE_" + name.upper(), None)

    def _say(self, folder):
        """Gives the folder the fields that the project's own answers for it have."""
        if folder.refused:
            return
        security = self._at("SecurityMiddleware")
        front = security >= 0 and (self.whitenoise < 0 or security < self.whitenoise)
        folder.https = bool(front and self.settings.SECURE_SSL_REDIRECT)
        if self.whitenoise >= 0:
            if front:
                self._say_security(folder)
            if 0 <= self._at("XFrameOptionsMiddleware") < self.whitenoise:
                folder.fields += ["X-Frame-Options", str(getattr(self.settings, "X_FRAME_OPTIONS", "DENY")).upper()]
            _say_whitenoise(folder, self._setting, 0 if self.settings.DEBUG else 60)
        elif self.wrapper is not None:
            _say_whitenoise(folder, vars(self.wrapper).get, None)

    def _at(self, name):
        full = "django.middleware." + ("clickjacking." if name.startswith("XFrame") else "security.") + name
        return self.middleware.index(full) if full in self.middleware else -1

    def _say_security(self, folder):
        seconds = getattr(self.settings, "SECURE_HSTS_SECONDS", 0)
        if seconds:
            value = "max-age=%s" % seconds
            value += "; includeSubDomains" if self.settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
            value += "; preload" if self.settings.SECURE_HSTS_PRELOAD else ""
            folder.fields += ["Strict-Transport-Security", value]
            folder.https = True  # the field is for https alone
        policy = getattr(self.settings, "SECURE_REFERRER_POLICY", None)
        if policy:
            parts = policy.split(",") if isinstance(policy, str) else policy
            folder.fields += ["Referrer-Policy", ",".join(part.strip() for part in parts)]
        opener = getattr(self.settings, "SECURE_CROSS_ORIGIN_OPENER_POLICY", None)
        if opener:
            folder.fields += ["Cross-Origin-Opener-Policy", str(opener)]


def _is_whitenoise(name):
    module, _, attribute = name.rpartition(".")
    kind = getattr(sys.modules.get(module), attribute, None)
    return isinstance(kind, type) and any(base.__module__.split(".")[0] == "whitenoise" for base in kind.__mro__)


def _of_whitenoise(get):
    """Returns why WhiteNoise's answers cannot be given by Go, or an empty str."""
    if get("add_headers_function"):
        return "WhiteNoise has an ADD_HEADERS_FUNCTION"
    if get("immutable_file_test"):
        return "WhiteNoise has an IMMUTABLE_FILE_TEST"
    if get("index_file"):
        return "WhiteNoise has an INDEX_FILE"
    return ""


def _say_whitenoise(folder, get, age):
    """Takes over what WhiteNoise is told. age: its default."""
    given = get("allow_all_origins")
    if given is None or given:
        folder.fields += ["Access-Control-Allow-Origin", "*"]
    given = get("max_age")
    folder.cache = max_age(age or 0 if given is None else given)
    given = get("charset")
    if given and given.lower().replace("_", "-") not in ("utf-8", "utf8"):
        folder.charset = given
    types = {"apple-app-site-association": "application/pkcs7-mime"}
    types.update(get("mimetypes") or getattr(get("media_types"), "types_map", {}))
    for key, value in types.items():
        folder.types += [key.lower(), value]


def _places(finder, finders):
    """Returns [(prefix with a slash at its end or empty, folder)] that finder searches; None: Go cannot know them."""
    kind = type(finder)
    if isinstance(finder, finders.FileSystemFinder):
        if kind.find is not finders.FileSystemFinder.find or kind.find_location is not finders.FileSystemFinder.find_location:
            return None
        return [(prefix.strip("/") + "/" if prefix else "", str(path)) for prefix, path in finder.locations]
    if isinstance(finder, finders.AppDirectoriesFinder):
        if kind.find is not finders.AppDirectoriesFinder.find or kind.find_in_app is not finders.AppDirectoriesFinder.find_in_app:
            return None
        paths = [_location(finder.storages[app]) for app in finder.apps]
        return [("", path) for path in paths] if all(paths) else None
    return None


def _location(storage):
    """Returns the folder of a storage that keeps its files as they are named, else an empty str."""
    from django.core.files.storage import FileSystemStorage

    plain = isinstance(storage, FileSystemStorage) and all(
        getattr(type(storage), name) is getattr(FileSystemStorage, name) for name in ("path", "exists")
    )
    return str(storage.location) if plain else ""


def _view(url, mount):
    """Returns (the name of a view that answers for files beneath url, or an empty str; whether it is Django's)."""
    from django.urls import Resolver404, get_resolver

    if mount and url.startswith(mount + "/"):
        url = url[len(mount) :]
    resolver = get_resolver()
    try:
        found = resolver.resolve(url + _PROBE).func
    except Resolver404:
        return "", False
    module = getattr(found, "__module__", "")
    if module in ("django.views.static", "django.contrib.staticfiles.views") and not hasattr(found, "__wrapped__"):
        return module, True
    try:
        if resolver.resolve("/" + _PROBE).func is found:
            return "", False  # it matches every path without another match
    except Resolver404:
        pass
    return "%s.%s" % (module, getattr(found, "__qualname__", type(found).__name__)), False
