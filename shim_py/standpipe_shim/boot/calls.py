"""APP with a factory's arguments: package.module:factory("x", n=1). Imported when an APP has some."""

import ast

from . import BadSpec


def parse_call(rest):
    """Returns (name, (args, kwargs)) of a factory's call."""
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
