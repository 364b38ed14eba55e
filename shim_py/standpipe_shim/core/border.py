"""Where the app's code ends and the shim's begins: an exception from a signal handler may strike in the former only."""

import os

from . import SHIM

# These stand between the app and what it asks for: code that prints is the app's; levels is between logging and its handlers, debug
# between a debugger and the code that it stands in.
_OUTPUT = SHIM + os.path.join("core", "output.py")
_LEVELS = SHIM + os.path.join("core", "levels.py")
_DEBUG = SHIM + os.path.join("dev", "debug.py")

# The functions of the shim that call the app's code themselves, by name. __next__: FileWrapper waits in the read of its file.
_CALLERS = ("serve", "serve_plain", "gather", "iterate", "call", "blocks", "__next__")


def in_app(frame):
    """Says whether the app's code runs in frame, or has called it: the nearest frame of the shim calls the app, and does not run."""
    while frame.f_code.co_filename in (_OUTPUT, _LEVELS) and frame.f_back is not None:
        frame = frame.f_back
    if frame.f_code.co_filename.startswith(SHIM):
        return frame.f_code.co_name == "__next__"
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith(SHIM) and filename not in (_LEVELS, _DEBUG):
            return frame.f_code.co_name in _CALLERS
        frame = frame.f_back
    return False


def boots(frame):
    """Says whether the app is being loaded, and its code runs in frame."""
    if frame.f_code.co_filename.startswith(SHIM):
        return False
    while frame is not None and not (frame.f_code.co_filename.startswith(SHIM) and frame.f_code.co_name == "load"):
        frame = frame.f_back
    return frame is not None
