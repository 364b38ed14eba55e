"""One Request through the app, and its answer."""

from io import BytesIO

from .body import FileWrapper
from .frames import PART, ProtocolError
from .output import current, finish


def serve(worker, exchange, payload):
    """Runs one Request. Raises ProtocolError for a payload that is none; everything the app raises ends in a frame."""
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
            environ["wsgi.input"] = exchange.input(environ, body)
        if exchange.threaded:
            result = exchange.call(worker.app, environ, exchange.start_response)
        else:
            result = worker.app(environ, exchange.start_response)
        kind = type(result)
        if kind is list or kind is tuple:
            if len(result) == 1:
                body = result[0]
                if type(body) is not bytes and not isinstance(body, bytes):
                    raise TypeError("the app's result holds %s; WSGI wants bytes" % type(body).__name__)
            else:
                body = _joined(result)
            if len(body) > PART or exchange.head_out:
                if body:
                    exchange.length = len(body)
                    exchange.send(body)
                body = b""
            exchange.finish(body)
        elif kind is FileWrapper and _hand_over(worker, exchange, result):
            exchange._close(result)
            exchange.finish(b"")
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
        if exchange.held:
            exchange.run_afterwards()
        if exchange.unsaid:
            finish(exchange)
        exchange.request_id = ""  # what still runs in its context, threads that it has left behind, is not part of it
        worker.close(exchange.stream)


def _hand_over(worker, exchange, wrapper):
    from .files import hand_over

    return hand_over(worker, exchange, wrapper)


def _joined(blocks):
    for block in blocks:
        if not isinstance(block, bytes):
            raise TypeError("the app's result holds %s; WSGI wants bytes" % type(block).__name__)
    return b"".join(blocks)
