"""Flask: its apps in a module, its static folders and those of its blueprints, its routes, its quick results. The app has to be asked
for a file where anything of its own runs before Flask's static view, in its place, or over its answer."""

import os
import sys
from types import GeneratorType

from .declared import Folder, failed, inner, max_age

_TAIL = "<path:filename>"
_METHODS = """
    __call__ wsgi_app full_dispatch_request preprocess_request dispatch_request send_static_file get_send_file_max_age make_response
    finalize_request process_response
""".split()
# Extensions whose after_request gives a file nothing that Go does not give it too.
_QUIET = ("flask_login", "flask_compress")


def apps_in(module):
    """Returns [(name, app)] for the Flask apps among the names of a module, each once."""
    found = {}
    for name, thing in vars(module).items():
        bases = () if isinstance(thing, type) else type(thing).__mro__
        if any(base.__name__ == "Flask" and base.__module__.split(".")[0] == "flask" for base in bases):
            found[id(thing)] = name, thing
    return list(found.values())


def is_quick(result):
    """A ClosingIterator, which a werkzeug Response (Flask's) returns: behind the blocks come the functions of
    Response.call_on_close."""
    functions = result._callbacks
    response = functions[-1].__self__
    kind = type(response)
    base = sys.modules["werkzeug.wrappers"].Response
    if kind.close is not base.close or kind.iter_encoded is not base.iter_encoded or response._on_close:
        return False
    body = response.response
    if type(body) is not list and type(body) is not tuple or len(body) > 1:
        return False
    if len(functions) == 1:
        return True  # no body: HEAD, 204, 304
    blocks = functions[0].__self__
    return len(functions) == 2 and type(blocks) is GeneratorType and blocks.gi_code.co_name == "_iter_encoded"


def _flask_in(app):
    return inner(app, lambda thing: isinstance(thing, sys.modules["flask"].Flask))


def routes(app):
    """Returns a function that says whether app has a route for a path, or None."""
    found, _ = _flask_in(app)
    if found is None or getattr(found.url_map, "host_matching", False):
        return None
    http = sys.modules["werkzeug.exceptions"].HTTPException  # a redirect to a slash is one too

    def has(path):
        try:
            rule, _ = found.url_map.bind("localhost").match(path, method="GET", return_rule=True)
        except http:
            return False
        return not rule.arguments

    return has


def folders(app, mount, out):
    flask = sys.modules["flask"]
    found, around = _flask_in(app)
    if found is None:
        return
    general = ""
    if around and not isinstance(_behind_proxyfix(app), flask.Flask):
        general = "the app is wrapped by %s" % around
    general = general or _of_app(found, flask)
    rules = list(found.url_map.iter_rules())
    static = [rule for rule in rules if _is_static(rule)]
    for rule in static:
        kind = "Flask" if rule.endpoint == "static" else "Flask blueprint " + rule.endpoint[: -len(".static")]
        try:
            owner = found if rule.endpoint == "static" else found.blueprints.get(rule.endpoint[: -len(".static")])
            path = getattr(owner, "static_folder", None)
            if not path:
                continue
            prefix = rule.rule[: -len(_TAIL)]
            folder = Folder(mount + prefix, path, kind, general or _of_rule(found, owner, rule, prefix, rules, static, flask))
            if os.path.basename(folder.dir) != "static":  # Flask's default: many apps have none
                folder.check_there()
            folder.refused = folder.refused or _say(folder, found, list(_parts(rule)), prefix)
            out.append(folder)
        except (Exception, SystemExit) as error:
            out.append(failed(mount + rule.rule[: -len(_TAIL)], kind, error))


def _is_static(rule):
    return (rule.endpoint == "static" or rule.endpoint.endswith(".static")) and rule.rule.endswith("/" + _TAIL)


def _behind_proxyfix(app):
    fix = sys.modules.get("werkzeug.middleware.proxy_fix")
    while fix is not None and type(app) is fix.ProxyFix:
        app = app.app
    return app


def _of_app(app, flask):
    """Returns why nothing of app may be served without it, or an empty str."""
    for name in _METHODS:
        if name == "wsgi_app" and name in vars(app):
            around = _behind_proxyfix(app.wsgi_app)
            if getattr(around, "__self__", None) is app and getattr(around, "__func__", None) is flask.Flask.wsgi_app:
                continue
            return "wsgi_app is wrapped by %s" % type(around).__name__
        if name in vars(app) or getattr(type(app), name, None) is not getattr(flask.Flask, name, None):
            return "its class has a %s of its own" % name
    reason = _before(app, None)
    if reason:
        return "the app has " + reason
    if getattr(app.url_map, "host_matching", False):
        return "its URLs are matched by host"
    return ""


def _before(app, name):
    """Returns what runs before each request of the app (None) or of a blueprint, in words."""
    for table, word in ((app.before_request_funcs, "before_request"), (app.url_value_preprocessors, "url_value_preprocessor")):
        functions = table.get(name)
        if functions:
            return "%s %s" % (word, _name_of(functions[0]))
    return ""


def _parts(rule):
    """Gives the names of the blueprints that a rule's endpoint lies in, the outermost first."""
    name = ""
    for part in rule.endpoint.split(".")[:-1]:
        name = name + "." + part if name else part
        yield name


def _of_rule(app, owner, rule, prefix, rules, static, flask):
    if "<" in prefix:
        return "its URL has a variable part"
    if prefix == "/":
        return "its static_url_path is the whole site"
    if rule.host or rule.subdomain:
        return "it is bound to a host"
    view = app.view_functions.get(rule.endpoint)
    if view is None or not _comes_from(view, flask):
        return "its static view is not Flask's own"
    if owner is not app:
        for blueprint in _parts(rule):
            reason = _before(app, blueprint)
            if reason:
                return "the blueprint %s has %s" % (blueprint, reason)
        for name in ("send_static_file", "get_send_file_max_age"):
            if getattr(type(owner), name, None) is not getattr(flask.Blueprint, name, None) or name in vars(owner):
                return "its blueprint has a %s of its own" % name
    for other in rules:
        if other.rule.startswith(prefix) and other not in static:
            return "the route %s lies in it" % other.rule
    return ""


def _comes_from(function, module):
    """Says whether the code of a function is in module's own package, and nothing is around it."""
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    folder = os.path.dirname(os.path.abspath(module.__file__))
    return code is not None and not hasattr(function, "__wrapped__") and os.path.abspath(code.co_filename).startswith(folder + os.sep)


def _name_of(function):
    """Returns what a person calls a function."""
    return getattr(function, "__qualname__", None) or type(function).__name__


def _root_of(thing):
    """Returns the top-level package that a function, a method or an object of a class comes from."""
    return (getattr(thing, "__module__", None) or type(thing).__module__ or "").split(".")[0]


def _say(folder, app, blueprints, prefix):
    """Gives the folder what Flask's answer has beside the file; returns why it cannot be known, or an empty str."""
    age = getattr(app, "config", {}).get("SEND_FILE_MAX_AGE_DEFAULT")
    if age is not None:
        folder.cache = max_age(age)
    for name in [None] + blueprints:
        for function in getattr(app, "after_request_funcs", {}).get(name) or ():
            root = _root_of(function)
            if root == "flask_cors":
                fields = _cors(function, prefix)
                if fields is not None:
                    folder.fields += fields
                    continue
            if root not in _QUIET:
                return "%s has after_request %s" % ("the app" if name is None else "the blueprint " + name, _name_of(function))
    return ""


def _cors(function, prefix):
    """Returns the fields that flask-cors gives every file beneath prefix; None: they depend on the request."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    if function.__name__ != "cors_after_request" or "resources" not in cells:
        return None
    for pattern, options in cells["resources"].cell_contents:
        get = (options if isinstance(options, dict) else vars(options)).get
        text = getattr(pattern, "pattern", pattern)
        if text not in ("/*", "/.*", "*", ".*"):
            # One that is not for all paths: it must be about none of these.
            if not text.startswith("/") or prefix.startswith(_plain(text)) or _plain(text).startswith(prefix):
                return None
            continue
        origins = [getattr(origin, "pattern", origin) for origin in get("origins") or ()]
        if not any(origin in ("*", ".*") for origin in origins) or get("supports_credentials") or get("allow_private_network"):
            return None
        fields = ["Access-Control-Allow-Origin", "*"]
        if get("expose_headers"):
            fields += ["Access-Control-Expose-Headers", str(get("expose_headers"))]
        return fields
    return []


def _plain(pattern):
    """Returns the part of a regular expression in front of its first special character."""
    for i, char in enumerate(pattern):
        if char in "\\.^$*+?{}[]|()":
            return pattern[: i - 1 if char in "*?{" and i else i]
    return pattern


def observe(callback):
    """Calls callback with each exception for which Flask answers 500. In its debug mode, and in tests, it raises it instead."""
    from flask import got_request_exception

    got_request_exception.connect(lambda sender, exception=None, **more: callback(exception), weak=False)
