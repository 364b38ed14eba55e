"""What signals, fork() and breakpoint() mean in a worker."""

import os
import sys
from _thread import get_ident

from ..core import NO_TERMINAL
from ..core.border import boots, in_app

try:
    import _signal as signal  # the module signal itself would bring in enum: 1 MB and 2 ms
except ImportError:
    import signal


class Signals:
    """SIGTERM and SIGINT mean nothing (systemd and Ctrl-C send them to every process) until Go has said Stop; then SIGTERM raises
    SystemExit in the app. The handlers are functions and not SIG_IGN, so that children of the app get the defaults at exec."""

    def __init__(self, pipes, interrupt):
        self._pipes = pipes
        self._interrupt = interrupt  # called with the running frame at SIGURG; may raise
        self._stacks = False
        self._crash = -1  # where faulthandler writes when the process crashes
        self._masks = {}  # thread -> its signal mask before the fork that is under way
        self.debug = None  # dev.debug.Debug, where debuggers may use the terminal
        self.at_term = None  # called with the running frame at a SIGTERM after Stop, in place of what is done here
        self.stopping = False  # set by the control thread
        self.held = None  # the signal mask that install puts back: a template has blocked some around its fork

    def hook(self):
        """Takes the hooks. Once per interpreter: what is registered for fork() stays."""
        if not os.environ.get("PYTHONBREAKPOINT"):
            sys.breakpointhook = _breakpoint
        if hasattr(os, "register_at_fork"):
            # Registered first, so the nearest to the fork on both sides.
            os.register_at_fork(before=self._before_fork, after_in_parent=self._unblock, after_in_child=self._after_fork)

    def install(self):
        """Takes the signals. Returns whether SIGUSR2 writes stacks on fd 5."""
        self._stacks = False
        for name in ("SIGTERM", "SIGINT"):
            signal.signal(getattr(signal, name), self._on_signal)
        if hasattr(signal, "SIGURG"):
            signal.signal(signal.SIGURG, self._on_urgent)
        if self._pipes.stacks >= 0 and hasattr(signal, "SIGUSR2"):
            try:
                import faulthandler

                faulthandler.register(signal.SIGUSR2, file=self._pipes.stacks, all_threads=True, chain=False)
                self._stacks = True
                self._on_crash(faulthandler)
            except (ImportError, AttributeError, OSError, RuntimeError):
                pass
        if self.held is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, self.held)
            self.held = None
        return self._stacks

    def _on_crash(self, faulthandler):
        """A crash in C code writes the Python stacks on the pipe of fd 5, too. faulthandler is enabled once, since the app may enable
        it for a file of its own: on a descriptor that is led elsewhere when the pipes change, and to stderr in a child."""
        if self._crash >= 0:
            os.dup2(self._pipes.stacks, self._crash, False)
            return
        self._crash = os.dup(self._pipes.stacks)  # not inherited at exec
        if not faulthandler.is_enabled():  # PYTHONFAULTHANDLER, -X dev: they write to stderr, where Go finds it
            faulthandler.enable(file=self._crash, all_threads=True)

    def _on_signal(self, number, frame):
        if number == signal.SIGINT and self.debug is not None and frame is not None:
            self.debug.interrupt(frame)
        if number != signal.SIGTERM or not self.stopping or frame is None:
            return
        prompts = self.debug is not None and self.debug.prompts()
        if self.at_term is not None and not prompts:
            self.at_term(frame)
        elif prompts or in_app(frame) or boots(frame):
            # Elsewhere the shim works, which will find the end of fd 0 itself, and no frame may be cut in two.
            raise SystemExit("standpipe stops this worker")

    def end(self):
        """After the last request. The interpreter drops its handlers before it exits, and a SIGTERM would then count as its end."""
        try:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        except ValueError:  # not in the main thread
            pass

    def _on_urgent(self, number, frame):
        if frame is not None:
            self._interrupt(frame)

    # A child is born with our handlers. Python would forget a SIGTERM that reached it before _after_fork (it drops what is pending
    # in a new child), and the Pool of multiprocessing would wait for that child for ever. So the signals wait in the kernel.

    def _before_fork(self):
        if hasattr(signal, "pthread_sigmask"):
            self._masks[get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))

    def _unblock(self):
        mask = self._masks.pop(get_ident(), None)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _after_fork(self):
        try:
            self._become_a_child()
        finally:
            self._unblock()

    def _become_a_child(self):
        self._pipes.forget()
        if self._stacks:
            import faulthandler

            faulthandler.unregister(signal.SIGUSR2)
        if self._crash >= 0:
            try:
                os.dup2(2, self._crash, False)
            except OSError:  # stderr is closed
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, self._crash, False)
                os.close(null)
        ours = [("SIGTERM", self._on_signal, signal.SIG_DFL), ("SIGINT", self._on_signal, signal.default_int_handler)]
        if hasattr(signal, "SIGURG"):
            ours.append(("SIGURG", self._on_urgent, signal.SIG_DFL))
        try:
            for name, handler, default in ours:
                if signal.getsignal(getattr(signal, name)) == handler:
                    signal.signal(getattr(signal, name), default)
        except ValueError:  # not in the main thread, on an interpreter that does not make the forking thread the main one
            pass


def _breakpoint(*args, **kwargs):
    raise RuntimeError(NO_TERMINAL)
