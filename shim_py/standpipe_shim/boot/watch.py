"""Names the files of the app's modules to Go, which reloads the app when one of them changes (Boot's watch: a mode for developers).
Imported in that mode only."""

import os
import sys

from ..core import SHIM
from ..core.report import PACKAGES

_MOST = 32 << 10  # characters in one record
_STDLIB = os.path.dirname(os.__file__) + os.sep


def watch(worker, serves):
    """Names what is loaded now and, where serves is true, what each request has loaded, when it ends."""
    known = set()
    count = 0

    def tell():
        nonlocal count
        if len(sys.modules) == count:
            return
        count = len(sys.modules)
        fresh = []
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file not in known:
                known.add(file)
                if not file.startswith((_STDLIB, SHIM)) and not any(part in file for part in PACKAGES) and "\n" not in file:
                    fresh.append(os.path.abspath(file))
        while fresh:
            part, size = [], 0
            while fresh and size < _MOST:
                size += len(fresh[-1]) + 1
                part.append(fresh.pop())
            worker.log.put("debug", "modules", "", files="\n".join(part))

    def close(stream):
        before(stream)
        tell()

    tell()
    if serves:
        before = worker.close
        worker.close = close
        worker.straight = False  # which would not call it
