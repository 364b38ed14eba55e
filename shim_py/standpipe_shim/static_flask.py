"""The static folders of a Flask app and its blueprints. The app has to be asked where anything of its own runs before Flask's
static view, or in its place."""

import sys

from .static import Folder, comes_from, inner, name_of

_TAIL = "<path:filename>"
_METHODS = ("__call__", "wsgi_app", "full_dispatch_request", "preprocess_request", "dispatch_request", "send_static_file")


def folders(app, mount):
    flask = sys.modules["flask"]
    found, around = inner(app, lambda thing: isinstance(thing, flask.Flask))
    if found is None:
        return []
    general = ""
    if around and not _is_proxyfix(app):
        general = "the app is wrapped by %s" % around
    general = general or _of_app(found, flask)
    rules = list(found.url_map.iter_rules())
    static = [rule for rule in rules if _is_static(rule)]
    out = []
    for rule in static:
        owner = found if rule.endpoint == "static" else found.blueprints.get(rule.endpoint[: -len(".static")])
        folder = getattr(owner, "static_folder", None)
        if not folder:
            continue
        kind = "Flask" if owner is found else "Flask blueprint " + rule.endpoint[: -len(".static")]
        prefix = rule.rule[: -len(_TAIL)]
        refused = general or _of_rule(found, owner, rule, prefix, rules, static, flask)
        out.append(Folder(mount + prefix, folder, kind, refused))
    return out


def _is_static(rule):
    return (rule.endpoint == "static" or rule.endpoint.endswith(".static")) and rule.rule.endswith("/" + _TAIL)


def _is_proxyfix(app):
    fix = sys.modules.get("werkzeug.middleware.proxy_fix")
    while fix is not None and type(app) is fix.ProxyFix:
        app = app.app
    return isinstance(app, sys.modules["flask"].Flask)


def _of_app(app, flask):
    """Returns why nothing of app may be served without it, or an empty str."""
    for name in _METHODS:
        if name == "wsgi_app" and name in vars(app):
            around = app.wsgi_app
            fix = sys.modules.get("werkzeug.middleware.proxy_fix")
            while fix is not None and type(around) is fix.ProxyFix:
                around = around.app
            if getattr(around, "__self__", None) is app and getattr(around, "__func__", None) is flask.Flask.wsgi_app:
                continue
            return "wsgi_app is wrapped by %s" % type(around).__name__
        if name in vars(app) or getattr(type(app), name) is not getattr(flask.Flask, name):
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
            return "%s %s" % (word, name_of(functions[0]))
    return ""


def _of_rule(app, owner, rule, prefix, rules, static, flask):
    if "<" in prefix:
        return "its URL has a variable part"
    if prefix == "/":
        return "its static_url_path is the whole site"
    if rule.host or rule.subdomain:
        return "it is bound to a host"
    view = app.view_functions.get(rule.endpoint)
    if view is None or not comes_from(view, flask):
        return "its static view is not Flask's own"
    if owner is not app:
        blueprint = ""
        for part in rule.endpoint.split(".")[:-1]:
            blueprint = blueprint + "." + part if blueprint else part
            reason = _before(app, blueprint)
            if reason:
                return "the blueprint %s has %s" % (blueprint, reason)
        if type(owner).send_static_file is not flask.Blueprint.send_static_file or "send_static_file" in vars(owner):
            return "its blueprint has a send_static_file of its own"
    for other in rules:
        if other.rule.startswith(prefix) and other not in static:
            return "the route %s lies in it" % other.rule
    return ""
