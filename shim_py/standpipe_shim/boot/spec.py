"""What a user may write as APP:

    package.module                     the module is searched for an app
    package.module:name, :name.attr    an app, or a factory
    package.module:factory("x", n=1)   literals only
    path/to/file.py[:...]              a file; it is imported by the name it has in its package
    path/to/app.wsgi                   a file in mod_wsgi's style: run under a name of its own, app in `application`

A text that is none of these is a BadSpec.
"""

import os


class BadSpec(ValueError):
    """The text names nothing that could be loaded; str() of it says why."""


class Spec:
    """A parsed APP. path is absolute, and empty for a module; name is empty when the module is to be searched; call is None, or the
    (args, kwargs) of a factory."""

    def __init__(self, module, path, name, call):
        self.module = module
        self.path = path
        self.name = name
        self.call = call


def parse(text, base):
    """Returns the Spec that text means. base: the app's dir, for paths."""
    text = text.strip()
    start = 2 if text[1:2] == ":" and text[2:3] in ("\\", "/") else 0  # a drive letter
    at = text.find(":", start)
    target, rest = (text[:at], text[at + 1 :].strip()) if at >= 0 else (text, "")
    target = target.strip()
    if not target:
        raise BadSpec("%r names no module" % text)
    if at >= 0 and not rest:
        raise BadSpec("%r ends after the colon; say MODULE:NAME" % text)
    name, call = _call(rest) if "(" in rest else (rest, None)
    if name and not all(part.isidentifier() for part in name.split(".")):
        raise BadSpec("%r after the colon is no name" % name)
    path = os.path.join(base, target)
    # shop.wsgi is the commonest module of all; it is a file only where there is one. shop.py may also be the module py in the
    # package shop, but nobody means that.
    is_path = "/" in target or os.sep in target or target.endswith(".py")
    if is_path or (target.endswith(".wsgi") and os.path.isfile(path)):
        if not os.path.exists(path) and os.path.exists(path + ".py"):
            path += ".py"
        if os.path.isdir(path):
            path = os.path.join(path, "__init__.py")
        return Spec("", os.path.abspath(path), name, call)
    if not all(part.isidentifier() for part in target.split(".")):
        raise BadSpec("%r is neither the name of a module nor a file" % target)
    return Spec(target, "", name, call)


def _call(rest):
    """Returns (name, (args, kwargs)) of a factory's call."""
    import ast

    try:
        tree = ast.parse(rest, mode="eval").body
    except SyntaxError:
        raise BadSpec("%r after the colon is no call" % rest) from None
    if not isinstance(tree, ast.Call) or any(word.arg is None for word in tree.keywords):
        raise BadSpec("%r after the colon is no plain call" % rest)
    names = []
    func = tree.func
    while isinstance(func, ast.Attribute):
        names.insert(0, func.attr)
        func = func.value
    if not isinstance(func, ast.Name):
        raise BadSpec("%r after the colon is no call of a name" % rest)
    try:
        args = [ast.literal_eval(arg) for arg in tree.args]
        kwargs = {word.arg: ast.literal_eval(word.value) for word in tree.keywords}
    except ValueError:
        raise BadSpec("%r: the arguments of a factory must be literals (strings, numbers, lists, ...)" % rest) from None
    return ".".join([func.id] + names), (args, kwargs)


def home(path, base):
    """Returns (folder for sys.path, module name) for a Python file: the folder above its outermost package, but not above base, the
    app's dir."""
    folder, filename = os.path.split(path)
    parts = [] if filename == "__init__.py" else [os.path.splitext(filename)[0]]
    while folder != base and os.path.isfile(os.path.join(folder, "__init__.py")):
        parts.insert(0, os.path.basename(folder))
        folder = os.path.dirname(folder)
    return folder, ".".join(parts)
