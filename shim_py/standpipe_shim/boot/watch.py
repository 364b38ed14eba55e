"""Names the files of the app's modules to Go, which reloads the app when one of them changes (Boot's watch: a developer's
mode). Imported in that mode only."""

import os
import sys
from _thread import allocate_lock, start_new_thread

from ..core import SHIM
from ..core.report import _PACKAGES

_EVERY = 0.5  # seconds
_MOST = 32 << 10  # characters in one record
_STDLIB = os.path.dirname(os.__file__) + os.sep


class Watch:
    def __init__(self, log):
        self._log = log
        self._known = set()

    def start(self):
        """Tells what is loaded from now on, in a thread that ends with the process."""
        start_new_thread(self._run, ())

    def _run(self):
        # A lock that nobody frees: gevent patches sleep and select, and this is a thread.
        never = allocate_lock()
        never.acquire()
        while not never.acquire(True, _EVERY):
            self.tell()

    def tell(self):
        """Names the files that have come since the last time. Not those of the standard library and of installed packages."""
        fresh = []
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if not isinstance(file, str) or file in self._known:
                continue
            self._known.add(file)
            if file.startswith((_STDLIB, SHIM)) or any(part in file for part in _PACKAGES) or "\n" in file:
                continue
            fresh.append(os.path.abspath(file))
        while fresh:
            part, size = [], 0
            while fresh and size < _MOST:
                size += len(fresh[-1]) + 1
                part.append(fresh.pop())
            self._log.put("debug", "modules", "", files="\n".join(part))
