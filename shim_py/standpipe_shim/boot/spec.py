"""What a user may write as APP:

    package.module                     the module is searched for an app
    package.module:name, :name.attr    an app, or a factory
    package.module:factory("x", n=1)   literals only
    path/to/file.py[:...]              a file; it is imported by the name it has in its package
    path/to/app.wsgi                   a file in mod_wsgi's style: run under a name of its own, app in `application`

A text that is none of these is a BadSpec.
"""

import os

from . import BadSpec


def parse(text, base):
    """Returns (module, path, name, call) of what text means. base: the app's dir, for paths. path is absolute, and module empty, for a
    file; name is empty when the module is to be searched; call is None, or the (args, kwargs) of a factory."""
    text = text.strip()
    start = 2 if text[1:2] == ":" and text[2:3] in ("\\", "/") else 0  # a drive letter
    at = text.find(":", start)
    target, rest = (text[:at], text[at + 1 :].strip()) if at >= 0 else (text, "")
    target = target.strip()
    if not target:
        raise BadSpec("%r names no module" % text)
    if at >= 0 and not rest:
        raise BadSpec("%r ends after the colon; say MODULE:NAME" % text)
    name, call = rest, None
    if "(" in rest:
        from .calls import parse_call

        name, call = parse_call(rest)
    if name and not all(part.isidentifier() for part in name.split(".")):
        raise BadSpec("%r after the colon is no name" % name)
    path = os.path.join(base, target)
    # shop.wsgi is the commonest module of all; it is a file only where there is one. shop.py is never the module py of shop.
    is_path = "/" in target or os.sep in target or target.endswith(".py")
    if is_path or (target.endswith(".wsgi") and os.path.isfile(path)):
        if not os.path.exists(path) and os.path.exists(path + ".py"):
            path += ".py"
        if os.path.isdir(path):
            path = os.path.join(path, "__init__.py")
        return "", os.path.abspath(path), name, call
    if not all(part.isidentifier() for part in target.split(".")):
        raise BadSpec("%r is neither the name of a module nor a file" % target)
    return target, "", name, call
