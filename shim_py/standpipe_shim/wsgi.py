"""One exchange: from a Request frame through the app to the last frame of its answer, by PEP 3333.

The types of what the app gives are checked here, where the app's own line is still on the stack. Whether status and fields
are legal HTTP is Go's affair."""

import struct
from io import BytesIO

from .body import ClientLeft, open_file, open_input
from .environ import fill
from .frames import BODY, BODY_WANTED, CHUNK, CREDIT, END, ERROR, HEAD, LAST, MAGIC, ProtocolError, frame

_answer = struct.Struct(">BBHIII").pack  # a Head frame's header and the length of its msgpack
_part = struct.Struct(">BBHII").pack


class Exchange:
    """One request and its answer. Class attributes are the state at the start: an exchange of one frame each way sets few of
    them."""

    head = None  # status and fields as msgpack, once start_response was called
    head_out = False  # the Head frame has gone out: what was said cannot be taken back
    over = False  # the answer has ended
    cancelled = False  # set by the control thread: nobody reads the answer
    # Body octets that may be sent, and that were. Each is written by one thread at a time, who reads fd 0 and who runs the
    # app, so that neither needs a lock.
    length = None  # octets of the whole body, when known before the head goes out
    granted = CREDIT
    spent = 0
    inbox = None  # Body payloads not yet taken by wsgi.input; None: the body came whole with the Request
    received = False  # the last Body is in inbox, or was
    file = None  # wsgi.input when the body lies in a file; closed when the request is over

    def __init__(self, stream, worker):
        self.stream = stream
        self._worker = worker

    def input(self, environ, first):
        """Returns wsgi.input of a Request without END. Takes the keys that name a file out of environ."""
        worker = self._worker
        path = environ.pop("standpipe.body_file", None)
        if path is not None:
            self.file, why = open_file(path, environ.pop("standpipe.body_size", ""))
            if self.file is not None:
                self.inbox = None  # no Body comes
                return self.file
            worker.put(frame(BODY_WANTED, 0, self.stream))
            if not self.cancelled:  # else the file has gone with the client
                worker.say_unreadable(why)
        return open_input(self, worker.put, worker.inbound, first)

    def start_response(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self.head_out:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # the traceback holds this frame
        elif self.head is not None:
            raise AssertionError("start_response was called a second time without exc_info")
        self.head = encode_head(status, headers)
        return self.write

    def write(self, data):
        """What start_response returns (PEP 3333: for old apps)."""
        if self.over:
            raise AssertionError("write() was called after the answer had ended")
        if not isinstance(data, bytes):
            raise TypeError("write() wants bytes, not " + type(data).__name__)
        if data:
            self.send(data)

    def send(self, data):
        """Sends body octets, behind the head if it has not gone out. Waits for credit. Once the exchange is cancelled they
        are dropped."""
        if not self.head_out:
            if self.head is None:
                raise AssertionError("the app gave body octets before it called start_response")
            first = data if len(data) <= CHUNK else data[:CHUNK]
            self.head_out = True
            self.spent += len(first)
            self._worker.put(self._head_frame(0, first))
            if first is data:
                return
        elif len(data) <= CHUNK and len(data) <= self.granted - self.spent:
            self.spent += len(data)
            self._worker.put(_part(MAGIC, BODY, 0, self.stream, len(data)) + data)
            return
        else:
            first = b""
        rest = memoryview(data)[len(first) :]
        while rest:
            if self.granted <= self.spent and not self._wait_for_credit():
                return
            size = min(len(rest), self.granted - self.spent, CHUNK)
            self.spent += size
            self._worker.put(_part(MAGIC, BODY, 0, self.stream, size) + rest[:size])
            rest = rest[size:]

    def finish(self, body):
        """Ends the answer. body: octets that may go in the Head frame, or nothing."""
        if self.head_out:
            self._worker.put(frame(END, 0, self.stream))
        elif self.head is not None:
            self._worker.put(self._head_frame(LAST, body))
        elif self.cancelled:
            self._worker.put(frame(END, 0, self.stream))
        else:
            raise AssertionError("the app returned without calling start_response")
        self.head_out = True

    def iterate(self, result):
        """Sends what result yields, each block at once, and closes it. The head waits for the first block that is not empty,
        since until then the app may call start_response late or once more."""
        failure = None
        held = b""
        try:
            # PEP 3333, "Handling the Content-Length Header": a length of 1 says that the first block is the whole body.
            whole = hasattr(type(result), "__len__") and len(result) == 1 and not self.head_out
            for block in _blocks(result):
                if self.cancelled:
                    break
                if not isinstance(block, bytes):
                    raise TypeError("the app yielded %s; WSGI wants bytes" % type(block).__name__)
                if whole and len(block) <= CHUNK:
                    held = block
                    whole = False
                elif block:
                    if whole:
                        self.length = len(block)
                    if held:
                        self.send(held)
                        held = b""
                    self.send(block)
            if self.head is None and not self.cancelled:
                raise AssertionError("the app returned without calling start_response")
        except BaseException as error:  # whatever it is, close comes first
            failure = error
        self._close(result)
        if failure is not None:
            raise failure
        self.finish(held)

    def _close(self, result):
        # An error in close() comes too late to change the answer. It is logged.
        close = getattr(result, "close", None)
        if close is None:
            return
        try:
            close()
        except BaseException as error:
            worker = self._worker
            if worker.forked():
                raise
            from .report import fields

            told = fields(error, worker.dir)
            message = "close() of the app's result: %s: %s" % (told["type"], told["message"])
            worker.log.put("error", "close_failed", message, self.stream, traceback=told["traceback"])

    def fail(self, error):
        """Ends the answer with an Error frame. That the client left in the middle of its own request is no error of the
        app's."""
        if isinstance(error, ClientLeft):
            self._worker.put(frame(END, 0, self.stream))
            return
        from .packing import pack
        from .report import fields

        self._worker.put(frame(ERROR, 0, self.stream, pack(fields(error, self._worker.dir))))

    def _head_frame(self, flags, body):
        head = self.head
        if self.length is not None:
            head = b"\x93" + head[1:] + b"\xcf" + self.length.to_bytes(8, "big")
        size = len(head)
        return _answer(MAGIC, HEAD, flags, self.stream, 4 + size + len(body), size) + head + body

    def _wait_for_credit(self):
        self._worker.inbound.wait(self, self._may_send)
        if self.cancelled:
            return False
        if self.granted <= self.spent:
            raise ConnectionError("standpipe has closed the pipe in the middle of an answer")
        return True

    def _may_send(self):
        return self.granted > self.spent or self.cancelled


def serve(worker, exchange, payload):
    """Runs one Request. Raises ProtocolError for a payload that is none; everything the app raises ends in a frame."""
    try:
        if exchange.cancelled:  # before the app has seen it: it need not
            exchange.finish(b"")
            return
        environ = worker.base.copy()
        body = fill(environ, payload)
        if exchange.inbox is None:
            environ["wsgi.input"] = BytesIO(body)
        else:
            environ["wsgi.input"] = exchange.input(environ, body)
        result = worker.app(environ, exchange.start_response)
        kind = type(result)
        if kind is list or kind is tuple:
            if len(result) == 1:
                body = result[0]
                if type(body) is not bytes and not isinstance(body, bytes):
                    raise TypeError("the app's result holds %s; WSGI wants bytes" % type(body).__name__)
            else:
                body = _joined(result)
            if len(body) > CHUNK or exchange.head_out:
                if body:
                    exchange.length = len(body)
                    exchange.send(body)
                body = b""
            exchange.finish(body)
        else:
            exchange.iterate(result)
    except ProtocolError:
        raise
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: they end a request, not the worker
        if worker.forked():
            worker.leave(error)
        exchange.fail(error)
    finally:
        exchange.over = True
        if exchange.file is not None:
            try:
                exchange.file.close()
            except (OSError, ValueError):  # ValueError: the app has detached it
                pass
        worker.close(exchange.stream)


def _blocks(result):
    if isinstance(result, (str, bytes)):
        raise TypeError("the app returned %s itself; WSGI wants an iterable of bytes: [body]" % type(result).__name__)
    if not hasattr(result, "__iter__") and not hasattr(result, "__getitem__"):
        what = "None" if result is None else type(result).__name__
        raise TypeError("the app returned %s; WSGI wants an iterable of bytes" % what)
    return iter(result)


def _joined(blocks):
    for block in blocks:
        if not isinstance(block, bytes):
            raise TypeError("the app's result holds %s; WSGI wants bytes" % type(block).__name__)
    return b"".join(blocks)


def encode_head(status, headers):
    """Returns status and fields as the msgpack of a Head. Raises TypeError or ValueError that names what is wrong.

    Built as one str in which a character stands for an octet, and encoded once."""
    if not isinstance(status, str):
        raise TypeError("start_response: the status must be str, not " + type(status).__name__)
    if type(headers) is not list:
        raise TypeError("start_response: the headers must be a list, not " + type(headers).__name__)
    count = len(headers) * 2
    size = len(status)
    parts = ["\x92\xc4%c%s" % (size, status) if size < 256 else "\x92" + _long(status)]
    parts.append("%c" % (0x90 | count) if count < 16 else "\xdc%c%c" % (count >> 8 & 0xFF, count & 0xFF))
    for pair in headers:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError("start_response: a header must be a tuple of two str, not %s" % _shown(pair))
        name, value = pair
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("start_response: a header must be a tuple of two str, not %s" % _shown(pair))
        n = len(name)
        m = len(value)
        if n < 256 and m < 256:
            parts.append("\xc4%c%s\xc4%c%s" % (n, name, m, value))
        else:
            parts.append(_long(name) + _long(value))
    try:
        head = "".join(parts).encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(_not_latin(status, headers)) from None
    if len(head) > 1 << 20 or count > 0xFFFF:
        raise ValueError("start_response: %d headers of %d octets; at most 32767 and 1 MiB" % (count // 2, len(head)))
    return head


def _long(text):
    size = len(text)
    if size < 0x100:
        return "\xc4%c%s" % (size, text)
    if size < 0x10000:
        return "\xc5%c%c%s" % (size >> 8, size & 0xFF, text)
    return "\xc6%c%c%c%c%s" % (size >> 24, size >> 16 & 0xFF, size >> 8 & 0xFF, size & 0xFF, text)


def _shown(value):
    try:
        return ascii(value)[:200]
    except Exception:
        return type(value).__name__


def _not_latin(status, headers):
    for what, text in [("the status", status)] + [("header " + ascii(name), name + value) for name, value in headers]:
        try:
            text.encode("latin-1")
        except UnicodeEncodeError:
            return "start_response: %s holds a character outside latin-1 (PEP 3333): %s" % (what, ascii(text)[:200])
    return "start_response: a header holds a character outside latin-1"
