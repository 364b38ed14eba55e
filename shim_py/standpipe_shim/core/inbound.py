"""Who reads fd 0, and who waits for what.

Solo is for one thread: whoever needs a frame reads it. Shared is for N threads that take turns: at any time at most one of
them reads, the others sleep, each on a lock of its own. A frame goes to whom it concerns: Requests to the ready list (with
threads Go never sends more than can run), Body and Window to their Exchange."""

import os
import struct
from _thread import allocate_lock

from .frames import BODY, FILE_REFUSED, FILE_TAKEN, LAST, REQUEST, SHARE, WINDOW, ProtocolError

try:
    from select import poll as _poll  # taken before gevent may patch it
except ImportError:  # Windows: a thread that waits for credit is not woken by Cancel
    _poll = None

_u32 = struct.Struct(">I").unpack
_POLLIN = 1


class Solo:
    """The frames for a worker with one thread."""

    def __init__(self, worker):
        self._worker = worker
        self._reader = worker.reader
        self._fd = worker.pipes.requests
        self._streams = worker.streams
        self._open = worker.open
        self.ready = []  # Requests that were read and do not run
        self._poll = None
        self._wake = (-1, -1)
        self.closed = False  # fd 0 has ended

    def take(self):
        """Returns the next Request as (Exchange, payload), or None at the end of fd 0. Blocks.

        The Exchange is made by who reads the frame, before the next frame is read: a Body or a Cancel may be close behind."""
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
        if flags > LAST:  # SHARED; now: the block is free for another body, whatever becomes of this request
            if not worker.shared:
                raise ProtocolError("a body in shared memory, which there is not")
            payload, exchange.first = worker.shared.take(payload)
        elif worker.shared is None and len(payload) >= SHARE:
            worker.share()  # the next one may come by it
        return exchange, payload

    def wait(self, exchange, ready):
        """Returns when ready() is true, or when fd 0 has ended. Only the thread that runs exchange may call it."""
        self._arm()
        while not ready() and not self.closed:
            if self._readable():
                self._route(self._reader.next())

    def poke(self, exchange):
        """Has a wait for exchange look at its ready() again. Any thread."""
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
                raise ProtocolError("a Window of %d octets" % len(payload))
            if exchange is not None:
                exchange.granted += _u32(payload)[0]
        elif kind in (FILE_TAKEN, FILE_REFUSED):
            if exchange is not None:
                exchange.filed = kind == FILE_TAKEN
        else:
            raise ProtocolError("kind 0x%02x after the boot" % kind)
        return exchange

    # A wait may have to end without a frame (Cancel comes on fd 3, to another thread), so it polls fd 0 and a pipe that poke
    # writes on. Made at the first wait: most workers never need it.

    def _arm(self):
        if self._poll is not None or _poll is None:
            return
        wake = os.pipe()
        os.set_blocking(wake[0], False)
        os.set_blocking(wake[1], False)
        poll = _poll()
        poll.register(self._fd, _POLLIN)
        poll.register(wake[0], _POLLIN)
        self._poll = poll
        self._wake = wake

    def _readable(self):
        if self._poll is None or self._reader.holds_frame():
            return True
        found = False
        for fd, _ in self._poll.poll():
            if fd == self._fd:
                found = True
            else:
                try:
                    os.read(fd, 4096)
                except OSError:
                    pass
        return found


class Shared(Solo):
    """The frames for a worker with N threads.

    The rule that keeps it alive: whoever leaves while nobody reads wakes one sleeper, and who wakes up either takes what is
    there, or reads, or sleeps again because another one reads."""

    def __init__(self, worker):
        super().__init__(worker)
        self._mutex = allocate_lock()
        self._reading = False
        self._idle = []  # locks of threads that sleep until there is a Request
        self._waiting = {}  # Exchange -> lock of the thread that sleeps until something comes for it
        self._arm()  # before there are threads that could race for it

    def take(self):
        with self._mutex:
            request = None
            while request is None and (self.ready or not self.closed):
                if self.ready:
                    request = self.ready.pop(0)
                    if not self._worker.claim(request[0]):
                        request = None
                elif self._reading:
                    self._sleep_idle()
                else:
                    self._read_one(False)
            self._leave()
            return request

    def wait(self, exchange, ready):
        with self._mutex:
            while not ready() and not self.closed:
                if self._reading:
                    lock = allocate_lock()
                    lock.acquire()
                    self._waiting[exchange] = lock
                    self._mutex.release()
                    lock.acquire()
                    self._mutex.acquire()
                else:
                    self._read_one(True)
            self._leave()

    def poke(self, exchange):
        with self._mutex:
            lock = self._waiting.pop(exchange, None)
            if lock is not None:
                lock.release()
        super().poke(exchange)

    def _sleep_idle(self):
        lock = allocate_lock()
        lock.acquire()
        self._idle.append(lock)
        self._mutex.release()
        lock.acquire()
        self._mutex.acquire()

    def _read_one(self, may_be_poked):
        self._reading = True
        self._mutex.release()
        try:
            poked = may_be_poked and not self._readable()
            frame = None if poked else self._reader.next()
        finally:
            self._mutex.acquire()
            self._reading = False
        if poked:
            return
        exchange = self._route(frame)
        if self.closed:
            while self._idle:
                self._idle.pop().release()
            while self._waiting:
                self._waiting.popitem()[1].release()
        elif exchange is not None:
            lock = self._waiting.pop(exchange, None)
            if lock is not None:
                lock.release()
        elif may_be_poked and self.ready and self._idle:
            self._idle.pop().release()

    def _leave(self):
        if self._reading:
            return
        if self._idle:
            self._idle.pop().release()
        elif self._waiting:
            self._waiting.popitem()[1].release()
