"""A wait for fd 0 that another thread can end. Imported at the first wait."""

import os

try:
    from select import poll
except ImportError:  # Windows: Cancel does not wake a thread that waits for credit
    poll = None

_POLLIN = 1


class Waits:
    """Polls fd and a pipe that wake writes to: a wait may have to end without a frame, since Cancel comes on fd 3, to another
    thread."""

    def __init__(self, fd):
        self._fd = fd
        if poll is not None:
            self._out, self._in = os.pipe()
            self._poll = poll()
            for each in (fd, self._out):
                self._poll.register(each, _POLLIN)
            for each in (self._out, self._in):
                os.set_blocking(each, False)

    def wake(self):
        if poll is not None:
            try:
                os.write(self._in, b"x")
            except OSError:  # full: it will wake up anyway
                pass

    def readable(self):
        """Returns whether fd can be read, when it can or when wake was called."""
        if poll is None:
            return True
        ready = [fd for fd, _ in self._poll.poll()]
        if self._out in ready:
            try:
                os.read(self._out, 4096)
            except OSError:
                pass
        return self._fd in ready
