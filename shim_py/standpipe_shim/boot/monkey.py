"""--gevent: patches the standard library before the app is imported."""

import sys

from ..core import greenlets  # noqa: F401  before the patches: what it imports keeps the real locks and threads
from . import Failure
from .failures import this_python
from .loader import set_path

_OLDEST = (20, 9)  # the first whose greenlets have a contextvars context each


def patch(boot):
    """Raises Failure when there is no gevent to use."""
    set_path(boot["dir"], boot["pythonpath"])
    python = this_python(boot)
    pip = "%s -m pip install --upgrade gevent" % (sys.executable or "python3")
    try:
        import gevent
        from gevent import monkey
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "gevent":
            raise Failure("no_gevent", "--gevent needs gevent, which %s does not have: %s" % (python, pip)) from None
        raise Failure("no_gevent", "--gevent: %s cannot import its gevent: %s; try: %s" % (python, error, pip), error=error) from None
    except Exception as error:  # one made for another Python
        text = "--gevent: the gevent of %s does not work there: %s: %s; try: %s"
        raise Failure("no_gevent", text % (python, type(error).__name__, error, pip), error=error) from None
    release = getattr(gevent, "__version__", "")
    parts = release.split(".")[:2]
    if not all(part.isdigit() for part in parts) or tuple(map(int, parts)) < _OLDEST:
        text = "--gevent needs gevent %d.%d or newer; %s has %s: %s"
        raise Failure("no_gevent", text % (_OLDEST + (python, release or "one without a version", pip)))
    monkey.patch_all()
