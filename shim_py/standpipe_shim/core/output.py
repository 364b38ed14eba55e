"""sys.stdout, sys.stderr and wsgi.errors: what the app prints for a request carries its id.

Text that is printed while a request runs, in any context that belongs to it (its thread, its greenlet, what asyncio and asgiref
carry on), goes to the descriptor with a tag in front of each line (shim/PROTOCOL.md, "Tags"). Other text has none."""

import atexit
import os
import sys
from _contextvars import ContextVar  # contextvars itself is one module more to find
from _thread import RLock, get_ident
from io import TextIOWrapper

from . import levels

# The Exchange whose app's code runs; None: no request.
current = ContextVar("standpipe.request", default=None)

_ATOMIC = 4096  # PIPE_BUF: the kernel never mixes a write of so many bytes with another
_BLOCK = 64 << 10  # what is tagged at a time
_HELD = 8 << 10  # characters of a line without end that are kept; TextIOWrapper keeps as many

_lock = RLock()  # reentrant: a signal handler or a __del__ may print in the middle of a print
_secret = b""  # what every tag begins with; empty: nothing is tagged
child = False  # this process is a fork() of the worker
ours = ()  # the streams on 1 and 2 that take was given


def arm(secret):
    """From here on the lines of requests are tagged. secret: from Boot; empty: they are not."""
    global _secret
    _secret = b"\x1e%s:" % secret.encode("ascii", "replace") if secret else b""


def finish(request):
    """Sends what a request has printed and not ended with a newline. Never raises."""
    for stream in list(request.unsaid):
        flush(stream)


# An app may replace sys.stdout and sys.stderr by anything. Python wants write() alone there, and takes None too: the shim calls no
# method of a stream but flush, here, and its own lines go out by say.


def flush(stream):
    """Flushes what the app may have put in the place of a stream, if it can be flushed. Returns what that raised, or None."""
    try:
        call = getattr(stream, "flush", None)
        if call is not None:
            call()
    except BaseException as error:  # the app's code, which may raise anything, a SystemExit too
        return error
    return None


def flush_all():
    """Flushes sys.stdout, sys.stderr, and the streams that were theirs before the app replaced them. Never raises."""
    for stream in (sys.stdout, sys.stderr) + ours:
        flush(stream)


def say(text):
    """Writes a line of the shim's own to the log of the app's output, whatever the app has made of its streams."""
    flush_all()
    try:
        _write(2, text.encode("utf-8", "backslashreplace"))
    except OSError:  # the app has closed it
        pass


def settler(log):
    """Returns what to call when a request has ended, which sends what it printed without a newline; what to call with an exception
    from the former: log gets the first one; and an object whose due says whether there is anything to send."""

    def broken(error):
        from .streams import log_broken

        log_broken(log, error)

    if ours and sys.stdout is ours[0] and type(ours[0]) is Lines:
        return ours[0].settle, broken, ours[0]
    from .streams import settler

    return settler(sys.stdout, ours[0] if ours else None, flush), broken, Due


class Due:
    """Stands for streams of which is not known whether they hold something."""

    due = True


def errors():
    """Returns the stream for wsgi.errors."""
    if sys.stderr is ours[1]:
        return sys.stderr
    from .streams import is_whole

    return sys.stderr if is_whole(sys.stderr) else ours[1]


def take(stdout, stderr):
    """Makes these two the streams of the process. Called before anything of the app runs."""
    global ours
    ours = (stdout, stderr)
    sys.stdout = sys.__stdout__ = stdout
    sys.stderr = sys.__stderr__ = stderr
    atexit.register(_restore)  # the first to be registered, and so the last to be called


def _restore():
    # The interpreter flushes both at its end; an exception there makes the exit status 120.
    for name, own in zip(("stdout", "stderr"), ours):
        stream = getattr(sys, name, None)
        try:
            if stream is not None:
                stream.flush()
        except BaseException:
            setattr(sys, name, own if flush(own) is None else None)


class Lines(TextIOWrapper):
    """A text stream on descriptor fd. One os.write carries whole lines, so that those of two threads never mix; text without a
    newline waits for one, for flush(), or for the end of the request."""

    def __init__(self, buffer, fd, before=None):
        through = getattr(before, "write_through", False)
        super().__init__(buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True, write_through=through)
        self.mode = "w"
        self.before = before  # the stream that had this buffer: its end would close it
        self.fd = fd
        self.place = place(fd)
        self.due = False  # settle has something to do
        self._open = False  # there is text that went to TextIOWrapper since the last flush
        self._lent = False  # the app may write to the buffer
        self._drain = buffer.flush

    def write(self, text):
        request = current.get()
        level = levels.current.get()
        if (level is None and (request is None or not request.request_id)) or not _secret or not isinstance(text, str):
            self._open = self.due = True
            return super().write(text)
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        if request is None:
            with _lock:
                self._say("", text, level)
            return len(text)
        outside = _leave(request)
        try:
            with _lock:
                unsaid = request.unsaid
                if unsaid is None:
                    unsaid = request.unsaid = {}
                    request.plain = False
                whole = unsaid.pop(self, "") + text if unsaid else text
                end = len(whole) if "\r" in text else whole.rfind("\n") + 1  # "\r": a progress bar
                if len(whole) - end >= _HELD:
                    end = len(whole)
                if end < len(whole):
                    unsaid[self] = whole[end:]
                if end:
                    self._say(request.request_id, whole[:end], level)
        finally:
            if outside:
                request.step_in()
        return len(text)

    def flush(self):
        request = current.get()
        if request is not None and request.unsaid:
            outside = _leave(request)
            try:
                with _lock:
                    text = request.unsaid.pop(self, "")
                    if text:
                        self._say(request.request_id, text, None)
            finally:
                if outside:
                    request.step_in()
        super().flush()

    @property
    def buffer(self):
        self._lent = self.due = True
        return super().buffer

    def settle(self):
        """What flush does, for the end of a request, at less cost: few requests print."""
        self.due = self._lent
        if self._open:
            self._open = False
            self.flush()
        else:
            self._drain()  # what came by sys.stdout.buffer

    def _say(self, request_id, text, level):
        super().flush()  # what was written without a tag came first
        if self.place is None or place(self.fd) != self.place:
            self._open = self.due = True
            super().write(text)  # the app has led the descriptor elsewhere: a tag would be noise there
            return
        letter = b"" if level is None else levels.letter(level)
        tag, more = (b"%s%s%s\x1e" % (_secret, request_id.encode("latin-1"), part) for part in (letter, letter.lower()))
        data = text.encode(self.encoding, self.errors)
        for at in range(0, len(data), _BLOCK):
            for part in _parts(tag, more, data[at : at + _BLOCK]):
                _write(self.fd, part)
            tag = more


def _parts(tag, more, data):
    """Yields data with tag before the first line and more before the others, in parts that the kernel keeps whole. One that ends
    within a line ends with the tag of no request: what others write behind it is not the request's."""
    nobody = _secret + b"\x1e"
    room = _ATOMIC - len(nobody)
    part = bytearray()
    at = 0
    while at < len(data):
        stop = data.find(b"\n", at) + 1 or len(data)
        if len(part) + len(tag) + stop - at > room:
            if part:
                yield part
                part = bytearray()
            stop = min(stop, at + room - len(tag))
        part += tag
        part += data[at:stop]
        if data[stop - 1] != 10:
            part += nobody
        at = stop
        tag = more
    yield part


def _write(fd, data):
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # a child has made the pipe non-blocking, for all that have it
            from select import select

            select([], [fd], [])


def place(fd):
    """Returns what tells the file behind fd from others; None: there is none."""
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _leave(request):
    """Keeps an interrupt out while the lock is held. Returns whether request.step_in() is due."""
    if not request.threaded or child or request.thread != get_ident() or not request.inside:
        return False
    request.step_out()
    return True


def _forked():
    # A thread that is not here may hold the lock; the parent writes what it has not written.
    global _lock, child
    _lock = RLock()
    child = True
    request = current.get()
    if request is not None:
        request.unsaid = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
