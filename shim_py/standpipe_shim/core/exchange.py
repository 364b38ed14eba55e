"""One exchange: from a Request frame through the app to the last frame of its answer, by PEP 3333.

The types of what the app gives are checked here, where the app's own line is still on the stack. Whether status and fields
are legal HTTP is Go's affair."""

import struct

from .body import ClientLeft, open_file, open_input
from .frames import BODY, BODY_WANTED, CREDIT, EARLY_HINTS, END, ERROR, HEAD, HOLD, LAST, MAGIC, PART, SHARE, frame
from .head import encode_head

_answer = struct.Struct(">BBHIII").pack  # a Head frame's header and the length of its msgpack
_u32 = struct.Struct(">I").pack
_part = struct.Struct(">BBHII").pack
_LARGE = 16 << 10  # octets; below, put is less work than put_with


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
    first = None  # the body, when it came by the shared memory
    received = False  # the last Body is in inbox, or was
    filed = None  # Go's word on the file that was passed to it: True it has it, False it wants the octets
    file = None  # wsgi.input when the body lies in a file; closed when the request is over
    interrupt = None  # RequestTimeout or ClientGone: what ends the app's work for it; cancelled is set then too
    raised = False  # interrupt was raised in the app; once is enough
    callbacks = None  # of standpipe.on_cancel, those that have not run
    afterwards = None  # of standpipe.after_response, likewise
    held = None  # whether the answer has ended with HOLD, once it is about to end
    threaded = False  # it runs on one of N threads
    request_id = ""  # while the request runs; what it prints carries it
    unsaid = None  # text without a newline that it has printed, by stream; output.Lines has it

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

    # What the app finds in its environ.

    def is_cancelled(self):
        """standpipe.cancelled: whether nobody waits for the answer any more."""
        return self.cancelled

    def on_cancel(self, callback):
        """standpipe.on_cancel: calls callback once, in a thread of its own, when the request is cancelled; at once in this
        thread when it is already."""
        if self.callbacks is None:
            self.callbacks = []
        self.callbacks.append(callback)
        if self.cancelled:  # after the entry in callbacks: Worker.cancel does it the other way round
            self.leave()
            try:
                self.run_callbacks()
            finally:
                self.enter()

    def after_response(self, callback):
        """standpipe.after_response: calls callback when the answer has gone out, in the request's thread. The worker is busy
        until then."""
        if self.held is False:
            raise RuntimeError("standpipe.after_response was called after the answer had ended")
        if self.afterwards is None:
            self.afterwards = []
        self.afterwards.append(callback)

    def early_hints(self, headers):
        """wsgi.early_hints: an informational answer 103 (RFC 8297) with these fields, at once. headers: pairs of str or bytes."""
        if self.head_out or self.over:
            raise AssertionError("wsgi.early_hints was called after the answer had begun")
        from .head import encode_hints

        hints = encode_hints(headers)
        self.leave()
        try:
            if not self.cancelled:
                self._worker.put(frame(EARLY_HINTS, 0, self.stream, hints))
        finally:
            self.enter()

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
            self.leave()
            try:
                self.send(data)
                if self.interrupt is not None and not self.raised:
                    self.end_now()
            finally:
                self.enter()

    def send(self, data):
        """Sends body octets, behind the head if it has not gone out. Waits for credit. Once the exchange is cancelled they
        are dropped."""
        size = len(data)
        if size <= PART:
            part = data
        else:
            data = memoryview(data)
            part = data[:PART]
        at = len(part)
        if not self.head_out:
            if self.head is None:
                raise AssertionError("the app gave body octets before it called start_response")
            self.head_out = True
            self._put_head(0, part)
        elif not (at >= SHARE and self._worker.put_shared(BODY, 0, self.stream, b"", part)):
            at = 0
            if size <= self.granted - self.spent and size <= PART:
                at = size
                self.spent += size
                self._worker.put_with(_part(MAGIC, BODY, 0, self.stream, size), data)
        while at < size:
            part = data[at : at + PART]
            if len(part) >= SHARE and self._worker.put_shared(BODY, 0, self.stream, b"", part):
                at += len(part)
                if self.cancelled:
                    return
                continue
            if self.granted <= self.spent and not self._wait_for_credit():
                return
            part = part[: self.granted - self.spent]
            self.spent += len(part)
            self._worker.put_with(_part(MAGIC, BODY, 0, self.stream, len(part)), part)
            at += len(part)

    def finish(self, body):
        """Ends the answer. body: octets that may go in the Head frame, or nothing."""
        head = self.head
        if head is None or self.head_out or self.afterwards or self.length is not None:
            self._finish(body)
            return
        self.head_out = True
        self.held = False
        size = len(head)
        if len(body) < _LARGE:
            self._worker.put(_answer(MAGIC, HEAD, LAST, self.stream, 4 + size + len(body), size) + head + body)
        else:
            self._put_head(LAST, body)

    def _finish(self, body):
        hold = self._hold()
        if self.head_out:
            self._worker.put(frame(END, hold, self.stream))
        elif self.head is not None:
            self._put_head(LAST | hold, body)
        elif self.cancelled:
            self._worker.put(frame(END, hold, self.stream))
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
            whole = not self.head_out and (hasattr(type(result), "__len__") and len(result) == 1 or _is_quick(result))
            for block in self.each(result):
                if self.cancelled:
                    break
                if not isinstance(block, bytes):
                    raise TypeError("the app yielded %s; WSGI wants bytes" % type(block).__name__)
                if whole and len(block) <= PART:
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
            self.call(close)
        except BaseException as error:
            if self._worker.forked():
                raise
            self._log("close_failed", "close() of the app's result", error)

    def run_callbacks(self):
        """Runs what on_cancel was given. Any thread, more than one too: each callback runs once."""
        while True:
            try:
                callback = self.callbacks.pop(0)
            except IndexError:
                return
            try:
                callback()
            except BaseException as error:
                self._log("on_cancel_failed", "a callback of standpipe.on_cancel", error)

    def run_afterwards(self):
        """Runs what after_response was given, and frees the worker. Nothing more is run once the request is interrupted."""
        while self.afterwards and self.interrupt is None:
            callback = self.afterwards.pop(0)
            try:
                self.call(callback)
            except BaseException as error:
                if self._worker.forked():
                    self._worker.leave(error)
                self._log("after_response_failed", "a callback of standpipe.after_response", error)
        self._worker.put(frame(END, 0, self.stream))

    def _log(self, event, what, error):
        if self.is_interrupt(error):
            return  # Go has told of it
        from .report import fields

        told = fields(error, self._worker.dir)
        message = "%s: %s: %s" % (what, told["type"], told["message"])
        self._worker.log.put("error", event, message, self.stream, traceback=told["traceback"])

    def is_interrupt(self, error):
        return self.interrupt is not None and isinstance(error, self.interrupt)

    def fail(self, error):
        """Ends the answer with an Error frame. That the client left in the middle of its own request is no error of the
        app's, nor is an interrupt: Go has closed that stream."""
        hold = self._hold()
        if isinstance(error, ClientLeft) or self.is_interrupt(error):
            self._worker.put(frame(END, hold, self.stream))
            return
        from .packing import pack
        from .report import fields

        self._worker.put(frame(ERROR, hold, self.stream, pack(fields(error, self._worker.dir))))

    def _put_head(self, flags, body):
        head = self.head
        if self.length is not None:
            head = b"\x93" + head[1:] + b"\xcf" + self.length.to_bytes(8, "big")
        head = _u32(len(head)) + head
        size = len(body)
        if size >= SHARE and self._worker.put_shared(HEAD, flags, self.stream, head, body):
            return
        self.spent += size
        self._worker.put_with(_part(MAGIC, HEAD, flags, self.stream, len(head) + size) + head, body)

    def _wait_for_credit(self):
        self._worker.inbound.wait(self, self._may_send)
        if self.cancelled:
            return False
        if self.granted <= self.spent:
            raise ConnectionError("standpipe has closed the pipe in the middle of an answer")
        return True

    def _hold(self):
        self.held = bool(self.afterwards)
        return HOLD if self.held else 0

    def _may_send(self):
        return self.granted > self.spent or self.cancelled

    # The border between the app's code and the shim's, where an interrupt must not strike. Here, on the main thread, the
    # signal handler finds it in the stack (Worker.on_interrupt), and these cost nothing; interrupt.Threaded has a lock.

    def enter(self):
        """From here on the app's code runs."""

    def leave(self):
        """From here on the shim's."""

    def call(self, function, *args):
        """Calls a function of the app's. on_interrupt knows this one by its name."""
        return function(*args)

    def each(self, result):
        """Returns an iterator over the app's result."""
        return _blocks(result)

    def end_now(self):
        """Raises the interrupt at a place where the shim was asked for something by the app."""
        self.raised = True
        raise self.interrupt("the request was interrupted by standpipe")


_looks = {}  # type of a result -> known.find of it
_MOST = 64  # types that are remembered


def _is_quick(result):
    """Says whether the result is one that may be closed before its block goes out (known)."""
    kind = type(result)
    try:
        look = _looks[kind]
    except KeyError:
        from ..frameworks.known import find

        if len(_looks) >= _MOST:
            _looks.clear()
        look = _looks[kind] = find(kind)
    if look is None:
        return False
    try:
        return look(result)
    except Exception:  # not made as it is known to be
        return False


def _blocks(result):
    if isinstance(result, (str, bytes)):
        raise TypeError("the app returned %s itself; WSGI wants an iterable of bytes: [body]" % type(result).__name__)
    if not hasattr(result, "__iter__") and not hasattr(result, "__getitem__"):
        what = "None" if result is None else type(result).__name__
        raise TypeError("the app returned %s; WSGI wants an iterable of bytes" % what)
    return iter(result)
