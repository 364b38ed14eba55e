"""What few requests need: errors of the app, callbacks of standpipe.on_cancel and standpipe.after_response, early hints, children that
come back into the shim. Imported when the first request needs it."""

import os

from . import output
from .body import ClientLeft
from .frames import EARLY_HINTS, END, ERROR, HOLD, frame
from .packing import bin_text, pack
from .report import fields
from .unusual import shown


def fail(exchange, worker, error):
    """Ends the answer with an Error frame. A client that disconnected in the middle of its own request is no error of the app, and
    neither is an interrupt, after which Go has closed the stream."""
    exchange.held = bool(exchange.afterwards)
    hold = HOLD if exchange.held else 0
    if isinstance(error, ClientLeft) or is_interrupt(exchange, error):
        worker.put(frame(END, hold, exchange.stream))
    else:
        found = fields(error, worker.dir)
        if worker.mode is not None:
            found = worker.mode.failed(found, error, exchange)
        worker.put(frame(ERROR, hold, exchange.stream, pack(found)))


def run_cancelled(exchange, worker):
    """Calls what on_cancel was given. Any thread, and several at a time: each callback is called once."""
    while True:
        try:
            callback = exchange.callbacks.pop(0)
        except IndexError:
            return
        try:
            callback()
        except BaseException as error:
            log_failure(exchange, worker, "on_cancel_failed", "a callback of standpipe.on_cancel", error)


def run_afterwards(exchange, worker):
    """Calls what after_response was given, and frees the worker. Calls nothing more once the request is interrupted."""
    while exchange.afterwards and exchange.interrupt is None:
        callback = exchange.afterwards.pop(0)
        try:
            exchange.call(callback)
        except BaseException as error:
            if worker.forked():
                worker.leave(error)
            log_failure(exchange, worker, "after_response_failed", "a callback of standpipe.after_response", error)
    worker.put(frame(END, 0, exchange.stream))


def send_hints(exchange, worker, headers):
    hints = encode_hints(headers)
    exchange.leave()
    try:
        if not exchange.cancelled:
            worker.put(frame(EARLY_HINTS, 0, exchange.stream, hints))
    finally:
        exchange.enter()


def encode_hints(headers):
    """Returns fields as the msgpack of an EarlyHints. headers: an iterable of pairs of str or bytes."""
    parts = []
    for pair in headers:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(text, (str, bytes)) for text in pair):
            raise TypeError("wsgi.early_hints: a header must be a pair of str, not %s" % shown(pair))
        parts += [bin_text(text.decode("latin-1") if isinstance(text, bytes) else text) for text in pair]
    try:
        hints = ("\xdc%c%c" % (len(parts) >> 8 & 0xFF, len(parts) & 0xFF) + "".join(parts)).encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("wsgi.early_hints: a character outside latin-1 (PEP 3333): %s" % ascii("".join(parts))[:200]) from None
    if len(hints) > 64 << 10 or len(parts) > 256:
        raise ValueError("wsgi.early_hints: %d headers of %d bytes; at most 128 and 64 KiB" % (len(parts) // 2, len(hints)))
    return hints


def is_interrupt(exchange, error):
    """Says whether error is what has ended the app's work for the request."""
    return exchange.interrupt is not None and isinstance(error, exchange.interrupt)


def log_failure(exchange, worker, event, what, error):
    """Logs what the app's code has raised where that cannot change the answer. Not an interrupt: Go has logged that."""
    if is_interrupt(exchange, error):
        return
    found = fields(error, worker.dir)
    message = "%s: %s: %s" % (what, found["type"], found["message"])
    worker.log.put("error", event, message, exchange.stream, traceback=found["traceback"])


def leave(error):
    """Ends a forked child. It must not answer: the worker will. A child that called sys.exit gets its status."""
    status = 70
    if isinstance(error, SystemExit):
        code = error.code
        status = code if isinstance(code, int) else 0 if code is None else 1
    else:
        text = "standpipe: a child that the app made by fork() returned from the app; it ends here, with status 70"
        output.say(text + " (end it with os._exit)\n")
    output.flush_all()
    os._exit(status & 0xFF)
