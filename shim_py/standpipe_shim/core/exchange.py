"""One exchange: from a Request frame through the app to the last frame of its answer, by PEP 3333.

The types of what the app gives are checked here, where the app is still on the stack; Go checks that status and fields are HTTP."""

import struct

from .frames import BODY, CREDIT, END, HEAD, HOLD, LAST, MAGIC, PART, SHARE, frame
from .head import encode_head, heads

_u32 = struct.Struct(">I").pack
_header = struct.Struct(">BBHII").pack


class Exchange:
    """One request and its answer. Class attributes are the state at the start: most exchanges set few of them."""

    plain = True  # the app has done nothing that its answer could show, but for start_response
    head = None  # status and fields as msgpack, once start_response was called
    head_out = False  # the Head frame has gone out: it cannot be changed any more
    over = False  # the answer has ended
    cancelled = False  # set by the control thread: the client disconnected
    length = None  # bytes of the whole body, when known before the head goes out
    # Body bytes that may be sent, and that were sent. Only the thread that reads fd 0 writes granted, and only the one that runs
    # the app writes spent, so neither needs a lock.
    granted = CREDIT
    spent = 0
    inbox = None  # Body payloads that wsgi.input has not taken; None: the body came whole with the Request
    first = None  # the body, when it came by the shared memory
    received = False  # the last Body is in inbox, or was
    filed = None  # Go's answer about the file that was passed to it: True: Go sends it; False: it wants the bytes
    file = None  # wsgi.input when the body lies in a file; closed when the request is over
    interrupt = None  # RequestTimeout or ClientGone: what ends the app's work for it; cancelled is set then too
    raised = False  # interrupt was raised in the app; once is enough
    callbacks = None  # given to standpipe.on_cancel and not run yet
    afterwards = None  # given to standpipe.after_response, likewise
    held = None  # whether the answer has ended with HOLD; None: it has not ended
    threaded = False  # it runs on one of N threads, or in a greenlet
    debugged = None  # ends the debugger that stands in it
    request_id = ""  # while the request runs; what it prints carries it
    environ = observed = None  # of the development mode: a copy; (exception, detail) that its framework answers for
    unsaid = None  # text without a newline that it has printed, by stream; output.Lines has it

    def __init__(self, stream, worker):
        self.stream = stream
        self._worker = worker

    # What the app finds in its environ.

    def is_cancelled(self):
        """standpipe.cancelled: whether the client has disconnected."""
        return self.cancelled

    def on_cancel(self, callback):
        """standpipe.on_cancel: calls callback once, in a thread of its own, when the request is cancelled; now when it is already."""
        if self.callbacks is None:
            self.callbacks = []
        self.callbacks.append(callback)
        if self.cancelled:  # after the append: Worker.cancel does it the other way round
            from .callbacks import run_cancelled

            self.leave()
            try:
                run_cancelled(self, self._worker)
            finally:
                self.enter()

    def after_response(self, callback):
        """standpipe.after_response: calls callback after the answer, in the thread of the request. The worker is busy until then."""
        if self.has_ended():
            raise RuntimeError("standpipe.after_response was called after the answer had ended")
        self.plain = False
        if self.afterwards is None:
            self.afterwards = []
        self.afterwards.append(callback)

    def has_ended(self):
        """Says whether it is too late for after_response."""
        return self.held is False or (self.over and not self.held)

    def early_hints(self, headers):
        """wsgi.early_hints: sends an informational answer 103 (RFC 8297) at once. headers: pairs of str or bytes."""
        if self.head_out or self.over:
            raise AssertionError("wsgi.early_hints was called after the answer had begun")
        from .callbacks import send_hints

        send_hints(self, self._worker, headers)

    def start_response(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self.head_out or self.over:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # the traceback holds this frame
        elif self.head is not None:
            raise AssertionError("start_response was called a second time without exc_info")
        try:
            self.head = type(headers) is list and heads.get((status, tuple(headers))) or encode_head(status, headers)
        except TypeError:  # what cannot be a key; encode_head says what is wrong with it
            self.head = encode_head(status, headers)
        return self.write

    def write(self, data):
        """What start_response returns (PEP 3333: for old apps)."""
        if self.over:
            raise AssertionError("write() was called after the answer had ended")
        if not isinstance(data, bytes):
            raise TypeError("write() wants bytes, not " + type(data).__name__)
        if data:
            self.plain = False
            self.leave()
            try:
                self.send(data)
                if self.interrupt is not None and not self.raised:
                    self.end_now()
            finally:
                self.enter()

    # What goes to Go.

    def send(self, data):
        """Sends bytes of the body, behind the head if that is due. Waits for credit. Drops them once the exchange is cancelled."""
        size = len(data)
        at = 0
        if not self.head_out:
            if self.head is None:
                raise AssertionError("the app gave bytes of the body before it called start_response")
            self.head_out = True
            at = min(size, PART)
            self.put_head(0, data if at == size else memoryview(data)[:at])
        elif size < SHARE and size <= self.granted - self.spent:
            self._put_body(data)
            return
        while at < size:
            part = memoryview(data)[at : at + PART]
            if len(part) < SHARE or not self._put_shared(BODY, 0, b"", part):
                if self.granted <= self.spent:
                    self._worker.inbound.wait(self, lambda: self.granted > self.spent or self.cancelled)
                    if self.cancelled:
                        return
                    if self.granted <= self.spent:
                        raise ConnectionError("standpipe closed the pipe in the middle of an answer")
                part = part[: self.granted - self.spent]
                self._put_body(part)
            at += len(part)
            if self.cancelled:
                return

    def finish(self, body):
        """Ends the answer. body: bytes that may go in the Head frame, or nothing."""
        self.held = bool(self.afterwards)
        hold = HOLD if self.held else 0
        if self.head is not None and not self.head_out:
            self.put_head(LAST | hold, body)
        elif self.head_out or self.cancelled:
            self._worker.put(frame(END, hold, self.stream))
        else:
            raise AssertionError("the app returned without calling start_response")
        self.head_out = True

    def iterate(self, result):
        """Sends what result yields, each block at once, and closes it. The head waits for the first block that is not empty: until
        then the app may call start_response."""
        failure = None
        held = b""
        try:
            # PEP 3333, "Handling the Content-Length Header": a length of 1 says that the first block is the whole body.
            whole = not self.head_out and (hasattr(type(result), "__len__") and len(result) == 1 or self._worker.is_quick(result))
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
        except BaseException as error:  # close comes first, whatever it is
            failure = error
        self.close(result)
        if failure is not None:
            raise failure
        self.finish(held)

    def gather(self, result):
        """Returns what a result yields as one block, and closes it: one that is_quick. border.in_app knows this function by its name."""
        try:
            blocks = list(result)
        except BaseException:
            self.close(result)
            raise
        try:
            result.close()
        except BaseException as error:
            self.close_failed(error)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def close(self, result):
        """Calls close() of the app's result. An error there comes too late to change the answer: it is logged."""
        close = getattr(result, "close", None)
        if close is None:
            return
        try:
            self.call(close)
        except BaseException as error:
            self.close_failed(error)

    def close_failed(self, error):
        if self._worker.forked():
            raise error
        from .callbacks import log_failure

        log_failure(self, self._worker, "close_failed", "close() of the app's result", error)

    def put_head(self, flags, body):
        head = self.head
        if self.length is not None:
            head = b"\x93" + head[1:] + b"\xcf" + self.length.to_bytes(8, "big")
        head = _u32(len(head)) + head
        size = len(body)
        if size >= SHARE and self._put_shared(HEAD, flags, head, body):
            return
        self.spent += size
        self._worker.put(_header(MAGIC, HEAD, flags, self.stream, len(head) + size) + head, body)

    def _put_body(self, part):
        self.spent += len(part)
        self._worker.put(_header(MAGIC, BODY, 0, self.stream, len(part)), part)

    def _put_shared(self, kind, flags, head, body):
        from .memory import put_shared

        return put_shared(self._worker, kind, flags, self.stream, head, body)

    # The border between the app's code and the shim's, which an interrupt must not strike. On the main thread the signal handler
    # finds it in the stack (border.in_app), and these do nothing; threads.Threaded has a lock.

    def enter(self):
        """From here on the app's code runs."""

    def leave(self):
        """From here on the shim's code runs."""

    def call(self, function, *args):
        """Calls a function of the app. border.in_app knows this one by its name."""
        return function(*args)

    def each(self, result):
        """Returns an iterator over the app's result."""
        return blocks(result)

    def end_now(self):
        """Raises the interrupt, in a function of the shim that the app has called."""
        self.raised = True
        raise self.interrupt("the request was interrupted by standpipe")


def blocks(result):
    """Returns an iterator over what an app has returned."""
    if isinstance(result, (str, bytes)):
        raise TypeError("the app returned %s itself; WSGI wants an iterable of bytes: [body]" % type(result).__name__)
    if not hasattr(result, "__iter__") and not hasattr(result, "__getitem__"):
        what = "None" if result is None else type(result).__name__
        raise TypeError("the app returned %s; WSGI wants an iterable of bytes" % what)
    return iter(result)
