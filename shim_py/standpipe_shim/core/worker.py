"""The worker: what it is made of, its loop, and the orders of Go that change it."""

import os
from _thread import allocate_lock, get_ident, start_new_thread

from .. import ClientGone, RequestTimeout
from . import output, plain
from .border import in_app
from .exchange import Exchange
from .frames import LOG, frame
from .inbound import Inbound
from .packing import pack

_CAUSES = {1: RequestTimeout, 2: ClientGone}  # of Interrupt


class Worker:
    """What one process serves with. Made before the app is imported; attach gives it the pipes, the boot sets app and environs."""

    def __init__(self, pipes, signals):
        self.pipes = pipes
        self.control = None  # fd 3
        self.memory = None  # memory.Memory, from the first large body on; False: there can be none
        self.signals = signals
        self.preload = False  # it is a template, and serves nothing
        self.greeting = b""  # the Ready frame
        self.streams = {}  # stream -> Exchange, while it runs
        self.cancels = set()  # streams that were cancelled and have not ended; the Request may still be on its way
        self.newest = 0  # the last stream that was opened
        self.waiting = {}  # stream -> Exchange, of Requests that were read and do not run yet
        self.straight = True  # plain.serve_plain may serve
        self.share = allocate_lock().acquire  # once: see memory.share
        self.inbound = None
        self.app = None
        self.environs = None
        self.dir = ""
        self.threads = 1
        self.greenlets = 0  # requests at a time under gevent; 0: no gevent
        self.aside = lambda function, *args: start_new_thread(function, args)  # calls a function beside the requests
        self.mode = None  # dev.mode.Mode in the development mode
        self.is_quick = lambda result: False  # see frameworks.is_quick
        self.debug = None  # debug.Debug, where debuggers may use the terminal
        self.running = None  # the Exchange that the main thread runs, or ran last
        self.make = Exchange
        self._getpid = os.getpid

    def attach(self, reader, writer):
        """Sets the pipes. Called on the main thread."""
        self.reader = reader
        self.put = writer.put
        self.log = Log(writer)
        self.main = get_ident()

    def run(self):
        """Serves until fd 0 ends."""
        if self.greenlets:
            from .greenlets import run

            run(self)
        elif self.threads > 1:
            from .threads import run

            run(self)
        else:
            self.inbound = Inbound(self)
            plain.loop(self)

    def open(self, stream, flags):
        """Returns the Exchange of a Request that has just been read."""
        exchange = self.make(stream, self)
        if not flags:
            exchange.inbox = []
        first = self.streams.setdefault(stream, exchange)
        if first is exchange:
            self.waiting[stream] = exchange
            self.newest = stream
        else:
            self.drop(first)
        if self.cancels and stream in self.cancels:  # after the entry in streams: see cancel
            exchange.cancelled = True
        return exchange

    def drop(self, mark):
        """A Request that was recalled before it was read has been read."""
        mark.over = True  # before newest: see recall
        self.newest = mark.stream
        self.close(mark.stream)

    def close(self, stream):
        """The answer of this stream has ended. The order matters to cancel."""
        self.streams.pop(stream, None)
        if self.cancels:
            self.cancels.discard(stream)

    def claim(self, exchange):
        """Says whether a Request may run: it was not recalled."""
        if self.waiting.pop(exchange.stream, None) is None:
            self.close(exchange.stream)
            return False
        return True

    def purge(self, *what):
        from .purging import purge

        return purge(self, *what)

    # Orders. All but on_interrupt are called on the control thread.

    def recall(self, streams):
        """Returns those of streams that have not begun, and now never will: each once. Its Request may still be to come.

        A Request that was read and waits belongs to the side that takes it out of waiting. For one that was not read, the first entry
        in streams decides: its Exchange there means that it runs, a mark of ours that it never will. It may also have run and ended just
        before the mark was set: then newest has come to it, and drop has not seen the mark."""
        return [stream for stream in streams if stream and self._take_back(stream)]

    def _take_back(self, stream):
        if self.waiting.pop(stream, None) is not None:
            return True
        if not _follows(stream, self.newest):
            return False
        mark = self.make(stream, self)
        if self.streams.setdefault(stream, mark) is not mark:
            return False
        if _follows(stream, self.newest) or mark.over:
            return True
        self.streams.pop(stream, None)
        return False

    def cancel(self, stream):
        """The Request of this stream may not have been read yet: fd 3 may be faster than fd 0. The stream is noted, then looked up;
        open does it the other way round, so one of the two sees the other."""
        self.cancels.add(stream)
        exchange = self.streams.get(stream)
        if exchange is not None:
            exchange.cancelled = True
            if self.inbound is not None:
                self.inbound.poke(exchange)
            if exchange.callbacks:
                from .callbacks import run_cancelled

                self.aside(run_cancelled, exchange, self)
        elif not _follows(stream, self.newest):
            self.cancels.discard(stream)  # it has ended

    def interrupt(self, stream, cause):
        """A Cancel, and an exception ends the app's work for this stream."""
        exchange = self.streams.get(stream)
        if exchange is not None:
            exchange.interrupt = _CAUSES[cause]
        self.cancel(stream)
        if exchange is not None:
            from .interrupt import pursue

            start_new_thread(pursue, (self, exchange, self.main))

    def on_interrupt(self, frame):
        """The main thread, at SIGURG. Raises when the app's code runs for a request that is to be interrupted."""
        if self.debug is not None:
            self.debug.run_errand()
        exchange = self.running
        if exchange is not None and exchange.interrupt is not None and not (exchange.raised or exchange.threaded) and in_app(frame):
            exchange.end_now()

    def stop(self):
        self.signals.stopping = True
        if self.greenlets and self.inbound is not None:
            self.inbound.stay_awake()

    def stacks(self, stream):
        """Returns the stacks of all threads; the one that runs stream is marked."""
        if self.greenlets and self.inbound is not None:
            return self.inbound.stacks(self.dir, stream)
        from .report import stacks

        exchange = self.streams.get(stream)
        return stacks(self.dir, exchange and (exchange.thread if exchange.threaded else self.main))

    # The end.

    def out_of_step(self, error):
        """fd 0 brought what is no frame. Nothing after it can be trusted."""
        output.say("standpipe: the worker's stdin is out of step: %s\n" % error)
        os._exit(4)

    def forked(self):
        """Says whether this process is a fork() of the worker that has come back into the shim."""
        return self._getpid() != self.pipes.pid

    def leave(self, error=None):
        """Ends a forked child. It must not answer: the worker will."""
        from .callbacks import leave

        leave(error)


class Log:
    """Sends what the shim itself reports. What the app prints goes to its stderr, not here."""

    def __init__(self, writer):
        self._writer = writer

    def put(self, level, event, message, stream=0, **fields):
        """Sends one record. level is debug, info, warn or error; fields are str. stream 0: it belongs to no request."""
        record = {"level": level, "event": event, "message": message[:8192]}
        for key, value in fields.items():
            record[key] = str(value)[: 64 << 10]
        self._writer.put(frame(LOG, 0, stream, pack(record)))


def _follows(stream, other):
    """Says whether a stream's number comes after another's; they begin again after the last number."""
    return 0 < (stream - other) & 0xFFFFFFFF < 0x80000000
