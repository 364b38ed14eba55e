"""What few requests need: callbacks of standpipe.on_cancel and standpipe.after_response, early hints, and errors in what the shim
calls for the app beside the app itself. Imported when the first request needs it."""

from .frames import EARLY_HINTS, END, frame
from .head import encode_hints
from .report import fields


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
