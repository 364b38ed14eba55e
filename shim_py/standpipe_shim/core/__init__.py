"""What a request needs: frames, exchanges, the environ, the output. Nothing here imports boot or frameworks."""

import os

SHIM = os.path.dirname(os.path.dirname(__file__)) + os.sep  # what the name of each of the shim's files begins with

# What breakpoint() says where there is no terminal for it.
NO_TERMINAL = (
    "breakpoint() has no terminal under standpipe: a worker's stdin is /dev/null. Use a remote debugger "
    "(debugpy, or remote-pdb with PYTHONBREAKPOINT=remote_pdb.set_trace)"
)
