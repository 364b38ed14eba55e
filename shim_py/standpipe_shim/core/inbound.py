"""Reads fd 0 and brings each frame to where it belongs: Requests to the loop, Body and Window to their Exchange."""

import struct

from .frames import BODY, FILE_REFUSED, FILE_TAKEN, LAST, REQUEST, SHARE, WINDOW, ProtocolError

_u32 = struct.Struct(">I").unpack


class Inbound:
    """The frames for a worker with one thread: the code that needs a frame reads it."""

    def __init__(self, worker):
        self._worker = worker
        self._reader = worker.reader
        self._fd = worker.pipes.requests
        self._streams = worker.streams
        self._open = worker.open
        self.ready = []  # Requests that were read and do not run yet
        self._waits = None  # what a wait polls; most workers never need it
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
            from .memory import share

            share(worker)  # the next one may use it
        return exchange, payload

    def wait(self, exchange, ready):
        """Returns when ready() is true, or when fd 0 has ended. Only the thread that runs exchange may call it."""
        self._arm()
        while not ready() and not self.closed:
            if self._readable():
                self._route(self._reader.next())

    def _arm(self):
        if self._waits is None:
            from .waits import Waits

            self._waits = Waits(self._fd)

    def _readable(self):
        return self._reader.holds_frame() or self._waits.readable()

    def poke(self, exchange):
        """Has a wait for exchange call its ready() again. Any thread."""
        if self._waits is not None:
            self._waits.wake()

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
