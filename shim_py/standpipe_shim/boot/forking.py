"""Forks a template's workers. A worker is to be a child of Go's, so the template forks twice and the process in the middle exits
at once: Go is a subreaper. What the app gave to os.register_at_fork runs once, in template and worker, and never in between."""

import os
import struct
from functools import partial
from itertools import filterfalse
from operator import methodcaller

try:
    from posix import fork, waitpid  # gevent patches those of os
except ImportError:  # Windows
    fork = None

_number = struct.Struct("=i")
_CREDENTIALS = struct.Struct("=iII")  # pid, uid, gid: struct ucred of unix(7)
_SO_PASSCRED, _SCM_CREDENTIALS = 16, 2  # Linux


def forker():
    """Returns a function that forks a worker, and why it runs fork hooks twice (empty: it does not). The function returns the pid of
    the worker, 0 in the worker, and raises OSError."""
    try:
        return Once().fork, ""
    except (ImportError, AttributeError, OSError) as error:  # no ctypes, no libffi, a static Python
        return _fork_twice, "%s: %s" % (type(error).__name__, error)


class Once:
    """Two calls of the C library's fork(), with Python's own part of it around both.

    From the first fork() to PyOS_AfterFork_Child no Python code may run: another thread of the template may have asked for the GIL,
    and a process that has no such thread would wait for it for ever. So iterators, which are C code, call the steps, and no call
    releases the GIL (PyDLL). Handlers of pthread_atfork, which belong to C libraries, run at both forks."""

    def __init__(self):
        import ctypes

        python, libc = ctypes.pythonapi, ctypes.PyDLL(None, use_errno=True)
        self._errno = ctypes.get_errno
        self._before, self._in_parent = python["PyOS_BeforeFork"], python["PyOS_AfterFork_Parent"]
        self._in_child = python["PyOS_AfterFork_Child"]
        self._fork, self._exit, self._group, self._send = libc["fork"], libc["_exit"], libc["setpgid"], libc["send"]
        for function in (self._before, self._in_parent, self._in_child, self._exit, self._group, self._send):
            function.restype = None

    def fork(self):
        import _socket

        theirs, ours = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM, 0)
        try:
            ours.settimeout(None)  # the app may have set a default
            ours.setsockopt(_socket.SOL_SOCKET, getattr(_socket, "SO_PASSCRED", _SO_PASSCRED), 1)
            call = methodcaller("__call__")
            # The middle process: its fork() gives a pid or -1, both true, and so the exit is called; the worker's gives 0.
            again = partial(next, filterfalse(None, map(call, (self._fork, partial(self._exit, 0)))))
            # The template: fork() gives a pid or -1, and no more is called. Each call in the worker gives 0 or None.
            group = partial(self._group, 0, 0)  # Go finds a group when it learns of the worker
            tell = partial(self._send, theirs.fileno(), b"\0", 1, 0)  # the kernel adds the pid
            steps = filter(None, map(call, (self._fork, again, group, tell, self._in_child)))
            self._before()
            middle = next(steps, 0)
            if middle == 0:
                return 0
            error = self._errno()
            self._in_parent()
            if middle < 0:
                raise OSError(error, os.strerror(error))
            theirs.close()
            _reap(middle)
            _, parts, _, _ = ours.recvmsg(1, _socket.CMSG_SPACE(_CREDENTIALS.size))
        finally:
            theirs.close()
            ours.close()
        for level, kind, data in parts:
            if level == _socket.SOL_SOCKET and kind == getattr(_socket, "SCM_CREDENTIALS", _SCM_CREDENTIALS):
                pid = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0]
                if pid > 0:
                    return pid
        raise OSError("the process between template and worker could not fork")


def _reap(pid):
    try:
        waitpid(pid, 0)
    except ChildProcessError:  # the app ignores SIGCHLD
        pass


def _fork_twice():
    """The way without ctypes: the hooks run in the middle process, too."""
    import warnings

    read, write = os.pipe()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about threads: they have been logged
            middle = fork()
            if middle == 0 and _is_worker(write):
                return 0
        _reap(middle)
        os.set_blocking(read, False)
        try:
            said = os.read(read, _number.size)
        except BlockingIOError:
            said = b""
    finally:
        os.close(read)
        os.close(write)
    if len(said) != _number.size:
        raise OSError("the process between template and worker has died")
    (pid,) = _number.unpack(said)
    if pid < 0:
        raise OSError(-pid, os.strerror(-pid))
    return pid


def _is_worker(write):
    """The middle process: forks the worker, writes its pid to write, and ends. Returns in the worker."""
    try:
        try:
            pid = fork()
        except OSError as error:
            pid = -(error.errno or 11)
        if pid == 0:
            return True
        if pid > 0:
            try:
                os.setpgid(pid, pid)  # as the worker does: whichever is first, Go finds a group when it learns of it
            except OSError:
                pass
        os.write(write, _number.pack(pid))
    except BaseException:
        os._exit(1)
    os._exit(0)
