"""Makes the file with the compiled code of all the shim's modules, which the launcher of the next worker reads. Imported by the first
worker that a version of Python starts from a folder of the shim."""

import marshal
import os
import sys

from ..core import SHIM


def make(file):
    """Returns the modules as the launcher has them, and writes them to file if that can be done."""
    folder, modules = os.path.dirname(SHIM[:-1]), _modules()
    part = "%s.%d" % (file, os.getpid())
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            with open(fd, "wb") as out:
                out.write(sys.modules["_frozen_importlib_external"].MAGIC_NUMBER + marshal.dumps((folder, modules)))
            os.replace(part, file)
        except BaseException:
            os.unlink(part)
            raise
    except OSError:  # a full disk
        pass
    return modules


def _modules():
    found = {}
    for place, _, names in os.walk(SHIM[:-1]):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(place, name)
                module = path[len(os.path.dirname(SHIM[:-1])) + 1 : -3].replace(os.sep, ".")
                is_package = name == "__init__.py"
                if is_package:
                    module = module.rpartition(".")[0]
                with open(path, "rb") as source:
                    code = compile(source.read(), path, "exec", dont_inherit=True)
                found[module] = (path, is_package, marshal.dumps(code))
    return found
