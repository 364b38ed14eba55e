"""bjoern has no command line: serve_bjoern.py MODULE:NAME ADDRESS WORKERS forks workers that share one listener."""

import importlib
import os
import signal
import sys

import bjoern

sys.path.insert(0, os.getcwd())
module, _, name = sys.argv[1].partition(":")
app = getattr(importlib.import_module(module), name)
if sys.argv[2].startswith("unix:"):
    bjoern.listen(app, sys.argv[2])
else:
    host, _, port = sys.argv[2].rpartition(":")
    bjoern.listen(app, host, int(port))
children = []
for _ in range(int(sys.argv[3])):
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        bjoern.run()
        os._exit(0)
    children.append(pid)


def stop(*_):
    for pid in children:
        os.kill(pid, signal.SIGTERM)


signal.signal(signal.SIGTERM, stop)
for pid in children:
    os.waitpid(pid, 0)
