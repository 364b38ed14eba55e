"""The straight path of a request, for a worker with one thread.

At a few thousand requests per second a worker sleeps before each of them, and other processes have used the processor's caches
since: a request costs several times what it costs in a loop, and pays for each function, object and line of code that it touches. So
a plain request goes through one function, from the read to the write: it lies whole in what was read, its body is small, and the app
returns a list of one bytes, or a result that frameworks.is_quick knows. Everything else leaves that function at its first difference
for serve, which does the same for any request, and comes back to it."""

import struct
from _io import BytesIO
from time import monotonic

from . import output
from .exchange import Exchange
from .frames import HEAD, LAST, LARGE, MAGIC, READ, REQUEST, SHARE, ProtocolError
from .output import current
from .serve import end, failed, respond, serve

# The header of a Request frame and what stands before its values: the length of the msgpack, an array of three, a uint64, the set of
# names, and the first bytes of a bin.
_front = struct.Struct(">IIIIHQBH").unpack_from
_FRONT = 29  # bytes
_REQUEST = MAGIC << 24 | REQUEST << 16 | LAST
_ARRAY = 0x93CF

# The header of a Head frame with the whole answer, and the length of its msgpack.
_header = struct.Struct(">IIII").pack
_HEAD = MAGIC << 24 | HEAD << 16 | LAST


def loop(worker):
    """Serves on the main thread until fd 0 ends."""
    inbound = worker.inbound
    settle, broken, lines = output.settler(worker.log)
    while True:
        if worker.straight and not (inbound.ready or inbound.closed):
            serve_plain(worker, lines)
            settle_all(settle, broken)
        request = inbound.take()
        if request is None:
            return
        serve(worker, *request)
        settle_all(settle, broken)


def settle_all(settle, broken):
    try:
        settle()
    except BaseException as error:  # the app's stream, which may raise anything
        broken(error)


def serve_plain(worker, lines):
    """Serves plain requests. Returns when something else has come, which is left to be taken; when the app has done something that
    is not plain; and when lines, the stream that sys.stdout is, has text to send."""
    reader, environs = worker.reader, worker.environs
    read, fd = reader.read, reader.fd
    shapes, limit = environs.shapes, environs.limit
    cancels, streams = worker.cancels, worker.streams
    claim, forget = streams.setdefault, streams.pop
    app, is_quick, put = worker.app, worker.is_quick, worker.put
    new, enter = object.__new__, current.set
    data, at = reader.held, reader.at
    reader.held, reader.at = b"", 0
    while True:
        if not data:
            data = read(fd, READ)
        have = len(data)
        if have < at + _FRONT:
            break
        first, stream, size, head, array, known, code, text = _front(data, at)
        stop = at + 12 + size
        if first != _REQUEST or stop > have or size >= SHARE:
            break
        # The same as Environs.make does, which says what is wrong.
        names, environ = shapes.get(known) or environs.shape(known)
        begin, last = (at + 28, at + 28 + (text >> 8)) if code == 0xC4 else (at + 29, at + 29 + text)
        values = data[begin:last].decode("latin-1").split("\0", len(names))
        whole = array == _ARRAY and (code == 0xC4 or code == 0xC5) and len(values) == len(names)
        if whole and last + 1 == at + 16 + head <= stop and data[last] == 0x80:
            environ = environ.copy()
            environ.update(zip(names, values))
            if limit:
                environ["standpipe.deadline"] = monotonic() + limit
            body = data[last + 1 : stop]
        else:
            environ, body = environs.make(data[at + 12 : stop])
        if stop == have:
            data = b""
            if at:
                at = 0
                reader.held, reader.at = data, at
        else:
            at = stop
            reader.held, reader.at = data, at

        exchange = new(Exchange)
        exchange.stream = stream
        exchange._worker = worker
        claimed = claim(stream, exchange)
        if claimed is not exchange:
            worker.drop(claimed)
            continue
        worker.newest = stream
        worker.running = exchange
        enter(exchange)
        if cancels and stream in cancels:  # after the entry in streams: see Worker.cancel
            exchange.cancelled = True
            exchange.finish(b"")
            end(worker, exchange)
            continue
        exchange.request_id = environ.get("standpipe.request_id", "")
        environ["wsgi.input"] = BytesIO(body)
        environ["wsgi.early_hints"] = exchange.early_hints
        environ["standpipe.cancelled"] = exchange.is_cancelled
        environ["standpipe.on_cancel"] = exchange.on_cancel
        environ["standpipe.after_response"] = exchange.after_response
        try:
            result = app(environ, exchange.start_response)
            if type(result) is list and len(result) == 1:
                body = result[0]
            elif exchange.plain and is_quick(result):
                body = exchange.gather(result)
                result = [body]
            else:
                body = None
            head = exchange.head
            if type(body) is bytes and head is not None and exchange.plain and len(body) < LARGE:
                size = len(head)
                put(b"".join((_header(_HEAD, stream, 4 + size + len(body), size), head, body)))
                exchange.over = True
                exchange.request_id = ""  # threads that it has left behind run in its context, and are not part of it
                forget(stream, None)
                if cancels:
                    cancels.discard(stream)
                if lines.due:
                    break
                continue
            respond(worker, exchange, result)
        except ProtocolError:
            raise
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: they end a request, not the worker
            failed(worker, exchange, error)
        end(worker, exchange)
        return
    reader.held, reader.at = data, at
