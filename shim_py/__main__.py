# The worker's first lines: `python3 DIR` and `python3 DIR/__main__.py` start here. They parse on Python 2.7 too, so that an
# old interpreter answers with a sentence and not with a SyntaxError.
import os
import sys

if sys.version_info < (3, 8):
    sys.stderr.write(
        "standpipe: %s is Python %d.%d.%d; standpipe needs Python 3.8 or newer\n" % ((sys.executable,) + tuple(sys.version_info[:3]))
    )
    sys.exit(3)

# Not sys.path[0]: with PYTHONSAFEPATH or -I Python puts nothing there for a script.
_here = os.path.dirname(os.path.abspath(__file__))
if _here not in sys.path:
    sys.path.insert(0, _here)
from standpipe_shim import __main__ as _worker  # noqa: E402

# The app must not find the shim's folder on its path. The shim's own late imports go by the package's __path__.
sys.path[:] = [entry for entry in sys.path if entry != _here]
if __name__ == "__main__":
    _worker.main()
