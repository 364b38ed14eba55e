"""Reads fd 0 and brings each frame to where it belongs: Requests to the loop, Body and Window to their Exchange. For one thread:
the code that needs a frame reads it. threads.Inbound is for N of them, greenlets.Inbound for gevent."""

import os
import struct

from .frames import BODY, FILE_REFUSED, FILE_TAKEN, LAST, REQUEST, SHARE, WINDOW, ProtocolError

try:
    from select import poll as _poll  # taken before gevent may patch it
except ImportError:  # Windows: Cancel does not wake a thread that waits for credit
    _poll = None

_u32 = struct.Struct(">I").unpack
_POLLIN = 1


class Inbound:
    """The frames for a worker with one thread."""

    def __init__(self, worker):
        self._worker = worker
        self._reader = worker.reader
        self._fd = worker.pipes.requests
        self._streams = worker.streams
        self._open = worker.open
        self.ready = []  # Requests that were read and do not run yet
        self._poll = None
        self._wake = (-1, -1)
        self.closed = False  # fd 0 has ended

    def take(self):
        """Returns the next Request as (Exchange, payload), or None at the end of fd 0. Blocks.

        The Exchange is made when its frame is read, before the next one is: a Body or a Cancel may be close behind."""
        while True:
            if self.ready:
                request = self.ready.pop(0)
            elif self.closed:
                return None
            else:
                frame = self._reader.next()
                if frame is None or frame[0] != REQUEST:
                    self._route(frame)
                    continue
                request = self._request(*frame[1:])
            if self._worker.claim(request[0]):
                return request

    def _request(self, flags, stream, payload):
        worker = self._worker
        exchange = self._open(stream, flags)
        if flags > LAST:  # SHARED. Taken now: the block is free for another body, whatever becomes of this request
            if not worker.memory:
                raise ProtocolError("a body in shared memory, which there is not")
            payload, exchange.first = worker.memory.take(payload)
        elif worker.memory is None and len(payload) >= SHARE:
            worker.share()  # the next one may use it
        return exchange, payload

    def wait(self, exchange, ready):
        """Returns when ready() is true, or when fd 0 has ended. Only the thread that runs exchange may call it."""
        self._arm()
        while not ready() and not self.closed:
            if self._readable():
                self._route(self._reader.next())

    def poke(self, exchange):
        """Has a wait for exchange call its ready() again. Any thread."""
        if self._wake[1] >= 0:
            try:
                os.write(self._wake[1], b"x")
            except OSError:  # full: it will wake up anyway
                pass

    def _route(self, frame):
        if frame is None:
            self.closed = True
            return None
        kind, flags, stream, payload = frame
        if kind == REQUEST:
            self.ready.append(self._request(flags, stream, payload))
            return None
        exchange = self._streams.get(stream)
        if kind == BODY:
            if exchange is not None and exchange.inbox is not None:
                exchange.inbox.append(payload)
                if flags & LAST:
                    exchange.received = True
        elif kind == WINDOW:
            if len(payload) != 4:
                raise ProtocolError("a Window of %d bytes" % len(payload))
            if exchange is not None:
                exchange.granted += _u32(payload)[0]
        elif kind in (FILE_TAKEN, FILE_REFUSED):
            if exchange is not None:
                exchange.filed = kind == FILE_TAKEN
        else:
            raise ProtocolError("kind 0x%02x after the boot" % kind)
        return exchange

    # A wait may have to end without a frame (Cancel comes on fd 3, to another thread), so it polls fd 0 and a pipe that poke
    # writes to. Made at the first wait: most workers never need it.

    def _arm(self):
        if self._poll is not None or _poll is None:
            return
        self._wake = os.pipe()
        poll = _poll()
        poll.register(self._fd, _POLLIN)
        poll.register(self._wake[0], _POLLIN)
        for fd in self._wake:
            os.set_blocking(fd, False)
        self._poll = poll

    def _readable(self):
        if self._poll is None or self._reader.holds_frame():
            return True
        found = False
        for fd, _ in self._poll.poll():
            if fd == self._fd:
                found = True
                continue
            try:
                os.read(fd, 4096)
            except OSError:
                pass
        return found
