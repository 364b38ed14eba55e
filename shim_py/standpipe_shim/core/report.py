"""Exceptions and stacks as text, for Error, Failed and Stacks. Imported when the first of them is needed."""

import os
import sys

from . import SHIM

_LAUNCHER = os.path.join(os.path.dirname(SHIM[:-1]), "__main__.py")
_THREADS = os.path.join(SHIM, "core", "threads.py")
_THREADING = os.sep + "threading.py"
_TRACEBACK = 64 << 10  # characters of a traceback; the middle is left out
_MESSAGE = 8 << 10
_IMPORTLIB = os.sep + os.path.join("importlib", "__init__.py")
PACKAGES = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)


def fields(error, base):
    """Returns the map of an Error frame: what happened and where in the app's own code. base: the app's dir."""
    filename, line, function = place(error, base)
    return {
        "type": type(error).__name__,
        "message": cut(text_of(error), _MESSAGE),
        "file": shown(filename, base),
        "line": line,
        "function": function,
        "text": source_line(filename, line)[:1024],
        "traceback": trace(error),
    }


def text_of(error):
    try:
        return str(error)
    except Exception as second:
        return "<no text: str() of it raised %s>" % type(second).__name__


def cut(text, limit):
    """Returns text; where it is longer than limit, without its middle."""
    if len(text) <= limit:
        return text
    half = (limit - 64) // 2
    return "%s\n... %d characters left out ...\n%s" % (text[:half], len(text) - 2 * half, text[-half:])


def is_shim(filename):
    """Says whether a frame of this file tells a reader nothing: it is the shim's own, or of the import machinery."""
    return filename.startswith((SHIM, "<frozen importlib")) or filename == _LAUNCHER or filename.endswith(_IMPORTLIB)


def is_own(filename, base):
    """Says whether filename is the app's own code: it lies beneath the app's dir, and in no installed package."""
    if not filename.startswith(base.rstrip(os.sep) + os.sep) or any(part in filename for part in PACKAGES):
        return False
    prefix = sys.prefix.rstrip(os.sep) + os.sep
    return not (prefix.startswith(base) and filename.startswith(prefix))


def shown(filename, base):
    """Returns filename relative to the app's dir where it lies beneath it."""
    start = base.rstrip(os.sep) + os.sep
    return filename[len(start) :] if base and filename.startswith(start) else filename


def frames_of(error):
    """Returns [(file, line, function)] of the traceback of error, oldest call first, without the shim and importlib."""
    found = []
    tb = error.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        if not is_shim(code.co_filename):
            found.append((code.co_filename, tb.tb_lineno or 0, code.co_name))
        tb = tb.tb_next
    return found


def place(error, base):
    """Returns (file, line, function) of the innermost frame in the app's own code, else of the innermost frame, else empty."""
    found = frames_of(error)
    for entry in reversed(found):
        if is_own(entry[0], base):
            return entry
    return found[-1] if found else ("", 0, "")


def trace(error):
    """Returns the traceback as Python prints it, cut to the app's frames."""
    try:
        import traceback

        whole = traceback.TracebackException(type(error), error, error.__traceback__)
        _strip(whole, set())
        text = "".join(whole.format())
    except Exception as second:  # an exception whose own methods raise
        lines = "".join('  File "%s", line %d, in %s\n' % entry for entry in frames_of(error))
        names = type(error).__name__, type(second).__name__
        text = "Traceback (most recent call last):\n%s%s (its text could not be made: %s)\n" % ((lines,) + names)
    return cut(text, _TRACEBACK)


def _strip(whole, seen):
    if whole is None or id(whole) in seen:
        return
    seen.add(id(whole))
    whole.stack[:] = [entry for entry in whole.stack if not is_shim(entry.filename)]
    for other in (whole.__cause__, whole.__context__, *(getattr(whole, "exceptions", None) or ())):
        _strip(other, seen)


def source_line(filename, number):
    """Returns one line of a source file, stripped; empty when it cannot be read."""
    if not number or not filename or filename.startswith("<"):
        return ""
    try:
        with open(filename, "rb") as source:
            for count, line in enumerate(source, 1):
                if count == number:
                    return line.strip().decode("utf-8", "replace")
    except (OSError, ValueError):
        pass
    return ""


def names_of_threads():
    """Returns {ident: name} of the threads that the module threading knows."""
    threading = sys.modules.get("threading")
    return {} if threading is None else {thread.ident: thread.name for thread in list(threading._active.values())}


def stacks(base, asked=0):
    """Returns the stacks of all threads, the newest call last. asked: the thread that runs the request in question, which is
    marked."""
    names = names_of_threads()
    out = []
    for ident, frame in sys._current_frames().items():
        entries = lines(frame, base)
        if entries:  # none: a thread of the shim's own, or one that waits for a request
            name = " (%s)" % names[ident] if ident in names else ""
            out.append("thread %d%s%s" % (ident, name, ", of this request" if ident == asked else ""))
            out.extend(entries)
    return cut("\n".join(out) + "\n" if out else "", 512 << 10)


def lines(frame, base):
    """Returns a stack as lines, the newest call last, without the shim and the hub. None for the main thread while it only waits for
    those that run requests."""
    out = []
    waits = True
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename == _THREADS and waits:
            return []
        if not is_shim(filename):
            waits = waits and filename.endswith(_THREADING)
            line = frame.f_lineno or 0
            text = source_line(filename, line)
            out.append("  %s:%d in %s%s" % (shown(filename, base), line, frame.f_code.co_name, ": " + text if text else ""))
        frame = frame.f_back
    return out[::-1]
