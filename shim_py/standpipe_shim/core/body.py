"""wsgi.input for a body that lies in a file or comes in Body frames. Imported when the first such body comes: one that came whole
with its Request is an io.BytesIO."""

import io
import os
import stat
import struct

from .frames import BODY_WANTED, CREDIT, WINDOW, ProtocolError, frame

_u32 = struct.Struct(">I").pack
_told = []  # what was wrong with the first body file that could not be read: every large body of this worker will have the same fault


class ClientLeft(ConnectionError):
    """wsgi.input was read after its client had disconnected, had stalled, or had sent more than is allowed. An OSError, as from a
    socket."""


def open_input(exchange, worker, environ, first):
    """Returns wsgi.input of a Request without END. Takes the keys that name a file out of environ. first: the bytes of the body
    that came with the Request."""
    path = environ.pop("standpipe.body_file", None)
    if path is not None:
        exchange.file, why = _open_file(path, environ.pop("standpipe.body_size", ""))
        if exchange.file is not None:
            exchange.inbox = None  # no Body comes
            return exchange.file
        worker.put(frame(BODY_WANTED, 0, exchange.stream))
        if not exchange.cancelled and not _told:  # cancelled: the file went with the client
            _told.append(why)
            text = "a large request body is not readable here, and crosses the pipe instead: %s (said once per worker)"
            worker.log.put("warn", "body_file_unreadable", text % why)
    asks = environ.pop("standpipe.body_on_demand", None) is not None
    return io.BufferedReader(Incoming(exchange, worker, first, asks), 64 << 10)


def _open_file(path, size):
    """Returns the body that Go has put into a file, and why there is none: the file cannot be opened here (another mount namespace,
    another user), or another one lies there. path and size are what the Request says."""
    if not (size.isdigit() and size.isascii()):
        raise ProtocolError("standpipe.body_size is not a number")
    file = None
    try:
        file = open(path.encode("latin-1"), "rb", 64 << 10)
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size == int(size):
            return file, ""
        why = "%s has %d bytes, not %s" % (ascii(path), status.st_size, size)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = str(error)
    if file is not None:
        file.close()
    return None, why


def close(file):
    try:
        file.close()
    except (OSError, ValueError):  # ValueError: the app has detached it
        pass


class Incoming(io.RawIOBase):
    """The bytes of the body of one request, in their order. Gives credit as the app takes them. asks: the body comes when it is
    asked for."""

    def __init__(self, exchange, worker, first, asks=False):
        self._exchange = exchange
        self._put = worker.put
        self._inbound = worker.inbound
        self._chunk = memoryview(first)
        self._taken = 0  # bytes taken since the last Window
        self._asks = asks  # and was not asked for yet

    def readable(self):
        return True

    def readinto(self, buffer):
        """Returns 0 at the end of the body. Raises ConnectionError when the rest will never come: the client disconnected, the
        worker stops, or the request is over; or the interrupt of the request, when that is the reason."""
        exchange = self._exchange
        exchange.leave()
        try:
            return self._fill(exchange, buffer)
        finally:
            exchange.enter()

    def _fill(self, exchange, buffer):
        while not self._chunk:
            received = exchange.received  # before inbox: the thread that reads fd 0 fills inbox first
            if exchange.inbox:
                self._chunk = memoryview(exchange.inbox.pop(0))
            elif received:
                return 0
            elif exchange.over:
                raise ConnectionError("wsgi.input was read after the request was over")
            elif exchange.interrupt is not None and not exchange.raised:
                exchange.end_now()
            elif exchange.cancelled:
                raise ClientLeft("the request body will not be complete: its client disconnected, stalled, or sent too much")
            elif self._inbound.closed:
                raise ConnectionError("standpipe closed the pipe in the middle of a request body")
            elif self._asks:
                self._asks = False
                self._put(frame(BODY_WANTED, 0, exchange.stream))
            else:
                self._inbound.wait(exchange, lambda: exchange.inbox or exchange.received or exchange.cancelled)
        size = min(len(buffer), len(self._chunk))
        buffer[:size] = self._chunk[:size]
        self._chunk = self._chunk[size:]
        self._taken += size
        if self._taken >= CREDIT // 2 and not exchange.received and not exchange.over:
            self._put(frame(WINDOW, 0, exchange.stream, _u32(self._taken)))
            self._taken = 0
        return size
