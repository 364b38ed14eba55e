"""Processes that are started here, each in a session of its own, and ended with all that they have started."""

import os
import signal
import subprocess
import time

import usage

_running = []


class Process:
    """One command under way; what it prints goes to a file that truncate() may empty at any time."""

    def __init__(self, argv, cwd, env, log):
        self.log = log
        with open(log, "ab") as out:
            self._popen = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self.pid = self._popen.pid
        _running.append(self)

    def alive(self):
        return self._popen.poll() is None

    def tail(self, size=300):
        with open(self.log, "rb") as f:
            f.seek(0, os.SEEK_END)
            f.seek(max(0, f.tell() - size))
            return f.read().decode("utf-8", "replace").strip()

    def stop(self, patience=8):
        """SIGTERM, then SIGKILL for whatever of it is left."""
        everyone = [p.pid for p in usage.tree([self.pid])]
        self._signal([self.pid] if self.alive() else [], signal.SIGTERM)
        try:
            self._popen.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        end = time.monotonic() + 5
        while True:
            left = {p.pid for p in usage.tree([self.pid])}
            left |= {pid for pid in everyone if _session(pid) == self.pid}
            if not left:
                break
            self._signal(left, signal.SIGKILL)
            self._popen.poll()  # reaps the leader
            if time.monotonic() > end:
                break
            time.sleep(0.01)
        self._popen.wait()
        if self in _running:
            _running.remove(self)

    def _signal(self, pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


def _session(pid):
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def stop_all():
    """For the way out, whatever the cause."""
    for process in reversed(list(_running)):
        process.stop(patience=2)
