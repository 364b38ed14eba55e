"""wsgi.input for a body that lies in a file or comes in Body frames, and wsgi.file_wrapper.

A body that came whole with its Request is an io.BytesIO; nothing here is used for it."""

import io
import os
import stat
import struct

from .frames import CREDIT, WINDOW, ProtocolError, frame

_u32 = struct.Struct(">I").pack


class ClientLeft(ConnectionError):
    """wsgi.input was read after its client had left, had stalled, or had sent more than it may. An OSError, as of a socket."""


def open_file(path, size):
    """Returns the body that Go has put into a file, and why there is none: the file cannot be opened here (another mount
    namespace, another user), or it is not the one that was meant. path and size are what the Request says."""
    if not (size.isdigit() and size.isascii()):
        raise ProtocolError("standpipe.body_size is not a number")
    file = None
    try:
        file = open(path.encode("latin-1"), "rb", 64 << 10)
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size == int(size):
            return file, ""
        why = "%s has %d octets, not %s" % (ascii(path), status.st_size, size)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = str(error)
    if file is not None:
        file.close()
    return None, why


def open_input(exchange, put, inbound, first):
    """Returns wsgi.input of a Request without END: read, readline, readlines, readinto and iteration of io.BufferedReader
    over what the frames bring. first: the octets that came with the Request."""
    return io.BufferedReader(Incoming(exchange, put, inbound, first), 64 << 10)


class Incoming(io.RawIOBase):
    """The octets of one request's body, in their order. Gives credit as they are taken."""

    def __init__(self, exchange, put, inbound, first):
        self._exchange = exchange
        self._put = put
        self._inbound = inbound
        self._chunk = memoryview(first)
        self._taken = 0  # octets taken since the last Window

    def readable(self):
        return True

    def readinto(self, buffer):
        """Returns 0 at the end of the body. Raises ConnectionError when the rest will never come: the client has left, the
        worker stops, or the request is over; what interrupts the request, when that is why."""
        exchange = self._exchange
        exchange.leave()
        try:
            return self._fill(exchange, buffer)
        finally:
            exchange.enter()

    def _fill(self, exchange, buffer):
        while not self._chunk:
            received = exchange.received  # before inbox: who reads fd 0 fills inbox first
            if exchange.inbox:
                self._chunk = memoryview(exchange.inbox.pop(0))
            elif received:
                return 0
            elif exchange.over:
                raise ConnectionError("wsgi.input was read after the request was over")
            elif exchange.interrupt is not None and not exchange.raised:
                exchange.end_now()
            elif exchange.cancelled:
                raise ClientLeft("the request body will not be complete: its client has left, stalled, or sent too much")
            elif self._inbound.closed:
                raise ConnectionError("standpipe has closed the pipe in the middle of a request body")
            else:
                self._inbound.wait(exchange, self._ready)
        size = min(len(buffer), len(self._chunk))
        buffer[:size] = self._chunk[:size]
        self._chunk = self._chunk[size:]
        self._taken += size
        if self._taken >= CREDIT // 2 and not exchange.received and not exchange.over:
            self._put(frame(WINDOW, 0, exchange.stream, _u32(self._taken)))
            self._taken = 0
        return size

    def _ready(self):
        exchange = self._exchange
        return exchange.inbox or exchange.received or exchange.cancelled


class FileWrapper:
    """wsgi.file_wrapper: iterates over a file in blocks and closes it (PEP 3333, Optional Platform-Specific File Handling)."""

    def __init__(self, filelike, blksize=65536):
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        block = self.filelike.read(self.blksize)
        if block:
            return block
        raise StopIteration
