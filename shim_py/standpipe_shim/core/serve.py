"""One Request through the app, and its answer."""

from io import BytesIO

from .frames import PART, ProtocolError
from .output import current, finish


def serve(worker, exchange, payload):
    """Runs one Request, of any kind. Raises ProtocolError for a payload that is none; whatever the app raises ends in a frame.
    plain.serve_plain does the same in fewer steps for those that are plain."""
    worker.running = exchange
    current.set(exchange)
    try:
        if exchange.cancelled:  # before the app has seen it: it need not
            exchange.finish(b"")
            return
        environ, body = worker.environs.make(payload)
        if exchange.first is not None:
            body = exchange.first
        exchange.request_id = environ.get("standpipe.request_id", "")
        environ["wsgi.early_hints"] = exchange.early_hints
        environ["standpipe.cancelled"] = exchange.is_cancelled
        environ["standpipe.on_cancel"] = exchange.on_cancel
        environ["standpipe.after_response"] = exchange.after_response
        if exchange.inbox is None:
            environ["wsgi.input"] = BytesIO(body)
        else:
            from .body import open_input

            environ["wsgi.input"] = open_input(exchange, worker, environ, body)
        if exchange.threaded:
            result = exchange.call(worker.app, environ, exchange.start_response)
        else:
            result = worker.app(environ, exchange.start_response)
        respond(worker, exchange, result)
    except ProtocolError:
        raise
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: they end a request, not the worker
        failed(worker, exchange, error)
    finally:
        end(worker, exchange)


def respond(worker, exchange, result):
    """Sends what the app has returned."""
    kind = type(result)
    if kind is list or kind is tuple:
        body = result[0] if len(result) == 1 else joined(result)
        if type(body) is not bytes:
            _check(body)
        if len(body) > PART or exchange.head_out:
            if body:
                exchange.length = len(body)
                exchange.send(body)
            body = b""
        exchange.finish(body)
    elif kind is FileWrapper and _hand_over(worker, exchange, result):
        exchange.close(result)
        exchange.finish(b"")
    else:
        exchange.iterate(result)


def failed(worker, exchange, error):
    """Sends what the app has raised."""
    if worker.forked():
        worker.leave(error)
    from .callbacks import fail

    fail(exchange, worker, error)


def end(worker, exchange):
    """The answer has gone out."""
    exchange.over = True
    if exchange.debugged is not None:
        exchange.debugged()
    if exchange.file is not None:
        from .body import close

        close(exchange.file)
    if exchange.held:
        from .callbacks import run_afterwards

        run_afterwards(exchange, worker)
    if exchange.unsaid:
        finish(exchange)
    exchange.request_id = ""  # threads that it has left behind run in its context, and are not part of it
    worker.close(exchange.stream)


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


def _hand_over(worker, exchange, wrapper):
    from .files import hand_over

    return hand_over(worker, exchange, wrapper)


def joined(blocks):
    for block in blocks:
        _check(block)
    return b"".join(blocks)


def _check(block):
    if not isinstance(block, bytes):
        raise TypeError("the app's result holds %s; WSGI wants bytes" % type(block).__name__)
