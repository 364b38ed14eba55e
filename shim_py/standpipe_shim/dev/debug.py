"""Debuggers of the app on the terminal that `standpipe dev` runs on ("The terminal" of shim/PROTOCOL.md). Imported where there is one.

pdb, ipdb and pudb are patched where they are about to read or write: there the worker asks Go for the terminal, and gives it back when
the debugger lets the app run on. breakpoint() and their own set_trace(), post_mortem() and the like all come there."""

import sys
from _thread import get_ident

from ..core import SHIM, importing
from ..core.control import allocate_lock  # a real one: gevent had patched nothing when that module was imported
from .session import Session

try:
    import _signal as signal  # see signals
except ImportError:
    import signal

_DEBUGGERS = ("bdb", "pdb", "ipdb.__main__", "pudb", "pudb.debugger")  # modules that are patched
_AGAIN = 0.02  # seconds between two signals to the main thread, which is to do what another thread wants of it
_TRIES = 100


class DebuggerQuit(BaseException):
    """Raised in the app when its debugger was ended by q. Not an Exception, as BdbQuit is one: frameworks make a page of their own of it
    and say nothing of a debugger."""


class Debug:
    """The debuggers of a worker."""

    def __init__(self, worker):
        self.worker = worker
        self.session = None  # that has the terminal
        self.errand = None  # what the main thread is to do for another one

    def arm(self, signals):
        """Has breakpoint() import what PYTHONBREAKPOINT names, as Python does, and patches debuggers when they are imported."""
        signals.debug = self
        sys.breakpointhook = sys.__breakpointhook__
        importing.Finder(_DEBUGGERS, self.patch).install()
        for name in _DEBUGGERS:
            if name in sys.modules:
                self.patch(sys.modules[name])

    def patch(self, module):
        """Patches a module that has just been imported."""
        name = module.__name__
        if name == "bdb":
            _patch_bdb(self, module.Bdb)
        elif name == "pdb":
            _patch_interaction(self, module.Pdb, "pdb")
        elif name == "ipdb.__main__":
            module._init_pdb = self.before(module._init_pdb, "ipdb")
        elif name == "pudb":
            import warnings

            warnings.filterwarnings("ignore", message="A non-default handler for signal")
            module._get_debugger = self.before(module._get_debugger, "pudb")
        elif name == "pudb.debugger":
            _patch_interaction(self, module.Debugger, "pudb")

    def before(self, function, name):
        """Returns function with the terminal taken before it: it looks at the terminal."""

        def prepared(*args, **kwargs):
            self.open(name, sys._getframe(1))
            return function(*args, **kwargs)

        return prepared

    def mine(self):
        """Returns the session if this thread has it."""
        session = self.session
        return session if session is not None and session.thread == get_ident() else None

    def open(self, name, at):
        """Returns the session of this thread. Waits for the terminal when there is none yet."""
        session = self.mine()
        if session is None:
            session = Session(self, name, at)
            session.ask()
            session.take()
            self.session = session
        return session

    def over(self):
        """The app runs on: gives the terminal back."""
        session = self.mine()
        if session is not None:
            self.session = None
            session.give_back()

    def finish(self):
        """The code in which the debugger stands has ended."""
        session = self.mine()
        if session is not None:
            session.leave()
            self.over()

    def interrupt(self, at):
        """Ctrl-C, on the main thread. at: the frame that runs."""
        session = self.session
        if session is None:
            return
        if self.prompts():
            raise KeyboardInterrupt
        if session.thread == self.worker.main:
            if not at.f_code.co_filename.startswith(SHIM):
                raise KeyboardInterrupt
        elif session.exchange is not None and session.exchange.threaded:
            from ..core.interrupt import set_async

            with session.exchange._border:
                if session.exchange.inside:
                    set_async(session.thread, KeyboardInterrupt)

    def prompts(self):
        """Says whether the main thread reads a line for another thread."""
        errand = self.errand
        return errand is not None and errand.runs

    def has_main(self):
        """Says whether the main thread is another one, which does nothing but wait for signals."""
        return self.worker.threads > 1 and get_ident() != self.worker.main and hasattr(signal, "pthread_kill")

    def on_main(self, function, *args):
        """Calls function on the main thread, where signals arrive; in a worker with threads it has nothing else to do."""
        worker = self.worker
        self.errand = errand = Errand(function, args)
        for _ in range(_TRIES):  # a signal that comes just before the wait for a lock does not end it
            signal.pthread_kill(worker.main, signal.SIGURG)
            if errand.began.acquire(True, _AGAIN):
                break
        else:
            if errand.claim():
                self.errand = None
                return function(*args)
        errand.ended.acquire()
        if errand.error is not None:
            raise errand.error
        return errand.result

    def run_errand(self):
        """The main thread, at SIGURG."""
        errand = self.errand
        if errand is not None and errand.claim():
            errand.run()
            self.errand = None
            errand.ended.release()


class Errand:
    """A call that one thread has another one make."""

    def __init__(self, function, args):
        self._function = function
        self._args = args
        self._claimed = allocate_lock()
        self.began, self.ended = allocate_lock(), allocate_lock()
        self.began.acquire()
        self.ended.acquire()
        self.runs = False
        self.result = None
        self.error = None

    def claim(self):
        """Says whether the caller is to make it: one of the two threads is."""
        return self._claimed.acquire(False)

    def run(self):
        self.began.release()
        try:
            try:
                self.runs = True  # a Ctrl-C may strike
                self.result = self._function(*self._args)
            finally:
                self.runs = False
        except BaseException as error:
            self.error = error


def _patch_interaction(debug, kind, name):
    """The place where a debugger talks to a person."""
    interaction = kind.interaction

    def interact(self, at, *args, **kwargs):
        if not getattr(self, "use_rawinput", True):  # it reads and writes elsewhere: a remote debugger
            return interaction(self, at, *args, **kwargs)
        ours = "ipdb" if type(self).__module__.startswith("IPython") else name
        session = debug.open(ours, at or sys._getframe(1))
        session.bdb = self
        if name == "pdb":
            self.nosigint = True  # after c no Ctrl-C comes to the worker
            if getattr(self, "mode", None) == "inline":
                self.mode = None  # q ends the request, not the process
            self.stdin, self.stdout = sys.stdin, sys.stdout
        try:
            return interaction(self, at, *args, **kwargs)
        finally:
            if not getattr(self, "_standpipe_traces", False):  # post_mortem
                debug.over()

    kind.interaction = interact


def _patch_bdb(debug, bdb):
    dispatch, stop_here, set_trace = bdb.trace_dispatch, bdb.stop_here, bdb.set_trace
    quits, own = sys.modules["bdb"].BdbQuit, dispatch.__code__.co_filename

    def trace_dispatch(self, at, event, arg):
        if debug.session is None and at.f_code.co_filename.startswith(SHIM):
            return dispatch(self, at, event, arg)
        outer = getattr(self, "_standpipe_traces", False)
        self._standpipe_traces = True
        try:
            return dispatch(self, at, event, arg)
        except quits:
            raise DebuggerQuit("the debugger was ended by q: its request ends here (c lets it run on)") from None
        finally:
            self._standpipe_traces = outer
            if self.quitting or self.stoplineno == -1:
                debug.over()
            elif event == "return" and at.f_back is None:  # of a thread
                debug.finish()

    def here(self, at):
        name = at.f_code.co_filename
        return name != own and not name.startswith(SHIM) and stop_here(self, at)

    def start(self, *args, **kwargs):
        at = args[0] if args else kwargs.pop("frame", None)
        at = at or sys._getframe(1)
        result = set_trace(self, at, *args[1:], **kwargs)
        _trim(self, at)
        return result

    bdb.trace_dispatch, bdb.stop_here, bdb.set_trace = trace_dispatch, here, start
    for name in ("run", "runeval", "runcall"):
        setattr(bdb, name, _ending(debug, getattr(bdb, name)))


def _ending(debug, run):
    def ended(*args, **kwargs):
        try:
            return run(*args, **kwargs)
        finally:
            debug.over()

    return ended


def _trim(bdb, at):
    """Makes the frame of the shim that has called the app the last one that w shows, and traces none behind it."""
    while at is not None and not at.f_code.co_filename.startswith(SHIM):
        at = at.f_back
    if at is None:
        return
    bdb.botframe = at
    while at is not None:
        at.f_trace = None
        at = at.f_back
