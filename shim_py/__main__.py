# The worker's first lines: `python3 DIR` and `python3 DIR/__main__.py` start here. They parse on Python 2.7 too, so that an
# old interpreter answers with a sentence and not with a SyntaxError.
import marshal
import os
import sys

if sys.version_info < (3, 8):
    sys.stderr.write(
        "standpipe: %s is Python %d.%d.%d; standpipe needs Python 3.8 or newer\n" % ((sys.executable,) + tuple(sys.version_info[:3]))
    )
    sys.exit(3)

# Not sys.path[0]: with PYTHONSAFEPATH or -I Python puts nothing there for a script.
_here = os.path.dirname(os.path.abspath(__file__))


class _Bundle:
    """Finds and loads the shim's modules, whose compiled code was read from one file: a start looks for and opens thirty files less.
    The code of a module that may be imported later stays in memory."""

    def __init__(self, modules):
        self.modules = modules  # name -> file, whether it is a package, code as marshal gives it

    def find_spec(self, name, path=None, target=None):
        if name not in self.modules:
            return None
        return type(sys.__spec__)(name, self, origin=self.modules[name][0], is_package=self.modules[name][1])

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__file__, _, code = self.modules[module.__name__]
        exec(marshal.loads(code), module.__dict__)
        del self.modules[module.__name__]


def _open_bundle():
    """Has the shim's modules come from the bundle of this Python, which is made where it is not there. It lies beside Python's own
    compiled files, in the folder that Go has made, whose name holds the hash. PYTHONDONTWRITEBYTECODE is about other folders."""
    if os.path.basename(_here) != "shim-" + os.environ.get("STANDPIPE_SHIM_HASH", ""):
        return
    name = os.path.join(_here, "__pycache__", "shim.%s.bundle" % sys.implementation.cache_tag)
    magic = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER
    try:
        with open(name, "rb") as file:
            data = file.read()
        if data.startswith(magic):
            folder, modules = marshal.loads(memoryview(data)[len(magic) :])
            if folder == _here:
                sys.meta_path.insert(0, _Bundle(modules))
                return
    except (OSError, ValueError, EOFError, TypeError):
        pass
    if os.access(os.path.dirname(name), os.W_OK):
        from standpipe_shim.boot.bundle import make

        sys.meta_path.insert(0, _Bundle(make(name)))


if _here not in sys.path:
    sys.path.insert(0, _here)
_open_bundle()
from standpipe_shim import __main__ as _worker  # noqa: E402

# The app must not find the shim's folder on its path. The shim's own late imports go by the package's __path__.
sys.path[:] = [entry for entry in sys.path if entry != _here]
if __name__ == "__main__":
    _worker.main()
