"""Writes the compiled code of all the shim's modules into one file, which the launcher of the next worker reads. Imported by the first
worker that a version of Python starts from a folder of the shim."""

import marshal
import os
import sys

from ..core import SHIM


def write(file):
    """Never raises: without the file, Python reads each module."""
    part = "%s.%d" % (file, os.getpid())
    try:
        data = _packed(os.path.dirname(SHIM[:-1]))
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            with open(fd, "wb") as out:
                out.write(data)
            os.replace(part, file)
        except BaseException:
            os.unlink(part)
            raise
    except Exception:  # another user's folder, one that has gone, a full disk
        pass


def _packed(folder):
    modules = {}
    for place, _, names in os.walk(SHIM[:-1]):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(place, name)
                module = path[len(folder) + 1 : -3].replace(os.sep, ".")
                is_package = name == "__init__.py"
                if is_package:
                    module = module.rpartition(".")[0]
                modules[module] = (path, is_package, marshal.dumps(_code(module, path)))
    magic = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER
    return magic + marshal.dumps((folder, modules))


def _code(module, path):
    loader = sys.modules["_frozen_importlib_external"].SourceFileLoader(module, path)
    return loader.get_code(module)
