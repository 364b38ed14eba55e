"""One debugger that has the terminal, or waits for it: the question to Go, the descriptors 0, 1 and 2, and the streams on them. Imported
with debug."""

import os
import sys
from _thread import get_ident

from ..core import NO_TERMINAL, SHIM, output
from ..core.control import allocate_lock  # a real one: gevent had patched nothing when that module was imported
from ..core.frames import DEBUG, DEBUG_END, frame
from ..core.packing import BadValue, pack, unpack

_OPEN = 64  # questions for the terminal at a time
_OURS = ("ipdb", "pudb", "IPython", "bdb", "pdb", "cmd", "contextlib")  # modules between a breakpoint and us
_streams = []  # on 0, 1 and 2; made once, because debuggers keep them


class Session:
    """A debugger that has the terminal, or waits for it."""

    def __init__(self, debug, name, at):
        self._debug = debug
        self._worker = debug.worker
        self._name = name
        self._place = _place(at, debug.worker.dir)
        self._number = 0
        self._saved = []  # copies of the descriptors 0, 1 and 2
        self.payload = None  # of Terminal
        self.came = allocate_lock()
        self.came.acquire()
        self.wake = None  # tells the hub of gevent
        self.thread = get_ident()
        self.bdb = None  # the debugger
        self.exchange = output.current.get()  # the request; None: no request
        if self.exchange is not None and self.exchange.has_ended():
            self.exchange = None

    # The question.

    def settle(self, payload):
        """The control thread, with Go's answer."""
        self.payload = payload
        self.came.release()
        if self.wake is not None:
            self.wake(self)

    def ask(self):
        """Returns when the terminal is ours; raises when there is none."""
        from ..core.purging import _parks, _runs_here

        worker, control = self._worker, self._worker.control
        if worker.preload or control is None or not control.passes() or worker.forked():
            raise RuntimeError(NO_TERMINAL)
        self._number = control.expect(self, _OPEN)
        if not self._number:
            raise RuntimeError("breakpoint(): %d debuggers wait for the terminal" % _OPEN)
        exchange = self.exchange
        stream = 0 if exchange is None else exchange.stream
        here = exchange is not None and _runs_here(worker, exchange)
        if here:
            exchange.plain = False  # its end is to come by serve.end
            exchange.debugged = self._debug.finish
            exchange.leave()
        try:
            question = {"stream": stream, "at": self._place, "debugger": self._name}
            if _parks(worker):
                self.wake = worker.inbound.poke
                control.say(frame(DEBUG, 0, self._number, pack(question)))
                worker.inbound.wait(self, lambda: self.payload is not None)
            else:
                control.say(frame(DEBUG, 0, self._number, pack(question)))
            self.came.acquire()
            answer = unpack(self.payload)
            self.device, why = answer["device"], answer["why"]
        except (BadValue, KeyError, TypeError, OSError) as error:
            self._end()
            raise RuntimeError("breakpoint(): the server cannot be asked for the terminal: %s" % error) from None
        except BaseException:
            self._end()
            raise
        finally:
            control.asked.pop(self._number, None)
            if here:
                exchange.enter()
        if not self.device:
            self._end()
            raise RuntimeError("breakpoint() has no terminal: %s" % why)

    def _end(self):
        try:
            self._worker.control.say(frame(DEBUG_END, 0, self._number))
        except OSError:  # the server is gone
            pass

    # The terminal.

    def take(self):
        """Puts the terminal on 0, 1 and 2, and streams on them in the place of sys.stdin, sys.stdout and sys.stderr."""
        output.flush_all()
        try:
            try:
                tty = os.open(self.device, os.O_RDWR | os.O_NOCTTY)
            except OSError:
                tty = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
            self._saved = [os.dup(fd) for fd in (0, 1, 2)]
            for fd in (0, 1, 2):
                os.dup2(tty, fd)
            if tty > 2:
                os.close(tty)
        except OSError as error:
            self._put_back()
            self._end()
            raise RuntimeError("breakpoint(): the terminal %s cannot be opened: %s" % (self.device, error)) from None
        if not _streams:
            modes = (("r", "replace"), ("w", "backslashreplace"), ("w", "backslashreplace"))
            _streams.extend(open(fd, mode, 1, encoding="utf-8", errors=errors, closefd=False) for fd, (mode, errors) in enumerate(modes))
        self._before = sys.stdin, sys.stdout, sys.stderr
        self._routed = [Routed(self, stream, before) for stream, before in zip(_streams[1:], self._before[1:])]
        sys.stdin, (sys.stdout, sys.stderr) = _streams[0], self._routed
        for own, stream, copy in zip(output.ours, _streams[1:], self._saved[1:]):
            own.fd, own.place = copy, output.place(copy)
            own.write = self._writer(own.write, stream)
        self._input = None
        if self._debug.has_main():
            import builtins

            self._input = builtins.input
            builtins.input = self._ask_line

    def _writer(self, write, stream):
        return lambda text: stream.write(text) if self.shows() else write(text)

    def _ask_line(self, *prompt):
        if get_ident() == self.thread:
            return self._debug.on_main(self._input, *prompt)
        return self._input(*prompt)

    def shows(self):
        """Says whether what this thread prints is for the terminal: it belongs to no other request."""
        exchange = output.current.get()
        return exchange is None or exchange is self.exchange or not exchange.request_id

    def give_back(self):
        """Puts all of it back, and says so to Go."""
        if self._input is not None:
            import builtins

            builtins.input = self._input
        for stream in _streams[1:]:
            output.flush(stream)
        for own in output.ours:
            del own.write
            output.flush(own)
        for name, now, before in zip(("stdin", "stdout", "stderr"), [_streams[0]] + self._routed, self._before):
            if getattr(sys, name, None) is now:
                setattr(sys, name, before)
        self._put_back()
        for own, fd in zip(output.ours, (1, 2)):
            own.fd, own.place = fd, output.place(fd)
        if not self._worker.forked():
            self._end()

    def _put_back(self):
        for fd, copy in enumerate(self._saved):
            os.dup2(copy, fd)
            os.close(copy)
        self._saved = []

    def leave(self):
        """Has the debugger stop no more, but at its breakpoints."""
        bdb = self.bdb
        if bdb is not None and not bdb.quitting and not getattr(bdb, "post_mortem", False):
            sys.settrace(None)  # otherwise it would stop in its own code
            bdb.set_continue()
            if bdb.breaks:
                sys.settrace(bdb.trace_dispatch)


class Routed:
    """Stands for sys.stdout or sys.stderr during a session: the terminal, but for other requests."""

    def __init__(self, session, terminal, before):
        self._of = session, terminal, before

    def __getattr__(self, name):
        session, terminal, before = self._of
        return getattr(terminal if session.shows() or before is None else before, name)


def _place(at, folder):
    """Says where the breakpoint is: file:line, below folder without it."""
    while at is not None:
        name = at.f_globals.get("__name__", "")
        if not at.f_code.co_filename.startswith(SHIM) and name.split(".")[0] not in _OURS:
            break
        at = at.f_back
    if at is None:
        return ""
    path = at.f_code.co_filename
    if path.startswith(os.path.join(folder, "")):
        path = os.path.relpath(path, folder)
    return "%s:%d" % (path[-500:], at.f_lineno)
