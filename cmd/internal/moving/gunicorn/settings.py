"""Runs a gunicorn.conf.py and prints its settings as JSON: settings.py FILE NAME,NAME,..."""

import ast
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import sys
import traceback
import types


class Stub(types.ModuleType):
    """A part of gunicorn, which need not be installed: any name in it is a module, or a class when it has capitals."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name.islower():
            return importlib.import_module(self.__name__ + "." + name)
        value = type(name, (), {"__module__": self.__name__})
        setattr(self, name, value)
        return value


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name == "gunicorn" or name.startswith("gunicorn."):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Stub(spec.name)

    def exec_module(self, module):
        pass


def places(tree):
    """The last line at which each name of the module is set."""
    out = {}
    blocks = [tree.body]
    while blocks:
        for node in blocks.pop(0):
            names = []
            if isinstance(node, ast.Assign):
                names = [n for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
                names = [node.target] if isinstance(node.target, ast.Name) else []
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                out[node.name] = node.lineno
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                for a in node.names:
                    out[a.asname or a.name.split(".")[0]] = node.lineno
            for n in names:
                out[n.id] = max(n.lineno, out.get(n.id, 0))
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                for part in ("body", "orelse", "finalbody"):
                    if getattr(node, part, None):
                        blocks.append(getattr(node, part))
                for handler in getattr(node, "handlers", []):
                    blocks.append(handler.body)
    return out


def shown(value):
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, str)):
        return int(value) if isinstance(value, int) else str(value)
    if isinstance(value, float):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shown(v) if isinstance(v, str) else str(v) for v in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, type):
        return {"class": value.__module__ + "." + value.__qualname__}
    if callable(value):
        return {"function": getattr(value, "__name__", "?")}
    return {"other": type(value).__name__}


def problem(error, file):
    if isinstance(error, SyntaxError) and error.filename:
        return {"file": error.filename, "line": error.lineno or 0, "text": type(error).__name__ + ": " + str(error.msg)}
    line, name = 0, file
    for frame, number in traceback.walk_tb(error.__traceback__):
        if os.path.abspath(frame.f_code.co_filename) == os.path.abspath(file):
            line = number
    text = str(error)
    return {"file": name, "line": line, "text": type(error).__name__ + (": " + text if text else "")}


def main(file, names):
    try:
        import gunicorn  # noqa: F401
    except ImportError:
        sys.meta_path.append(Finder())
    module = {"__name__": "__config__", "__file__": file, "__doc__": None, "__package__": None, "__builtins__": __builtins__}
    try:
        with open(file, "rb") as f:
            text = f.read()
        tree = ast.parse(text, file)
        exec(compile(tree, file, "exec"), module)
    except BaseException as error:
        return {"error": problem(error, file)}
    lines = places(tree)
    found = [{"name": n, "line": lines.get(n, 0), "value": shown(module[n])} for n in names if n in module]
    return {"settings": sorted(found, key=lambda s: s["line"])}


if __name__ == "__main__":
    out = os.dup(1)
    os.dup2(2, 1)  # what the file prints
    sys.path[:] = [p for p in sys.path if p]
    file, names = sys.argv[1:]
    sys.argv = ["gunicorn"]
    result = json.dumps(main(file, names.split(",")))
    sys.stdout.flush()
    with os.fdopen(out, "w") as f:
        f.write(result)
