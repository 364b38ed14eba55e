"""The worker: what it is made of, and the loop that serves, on the main thread or on N threads."""

import os
from _thread import allocate_lock, get_ident, start_new_thread

from .. import ClientGone, RequestTimeout
from ..boot.signals import in_app
from . import output
from .exchange import Exchange
from .frames import MAGIC, SHARED, ProtocolError, pack_header
from .inbound import Shared, Solo
from .log import Log
from .serve import serve


def _aside(function):
    start_new_thread(function, ())


_CAUSES = {1: RequestTimeout, 2: ClientGone}  # of Interrupt


class Worker:
    """What one process serves with. Made once, before the app is imported; attach says whom it talks to, app and environs are
    set by the boot."""

    def __init__(self, pipes, signals):
        self.pipes = pipes
        self.control = None  # fd 3
        self.shared = None  # shared.Shared, from the first large body on; False: there can be none
        self.signals = signals
        self.preload = False  # it is a template, and serves nothing
        self.prepared = None  # what template.prepare returned
        self.greeting = b""  # the Ready frame
        self.streams = {}  # stream -> Exchange, while it runs
        self.cancels = set()  # streams that were cancelled and have not ended; the Request may still be on its way
        self.newest = 0  # the last stream that was opened
        self.claimed = 0  # the last whose Request was given to somebody to run; they are claimed in their order
        self.recalled = set()  # streams that come later, and are not to be run
        lock = allocate_lock()  # of these two
        self._enter = lock.acquire
        self._leave = lock.release
        self._share = allocate_lock().acquire  # once
        self.inbound = None
        self.app = None
        self.environs = None
        self.dir = ""
        self.threads = 1
        self.greenlets = 0  # requests at a time under gevent; 0: no gevent
        self.aside = _aside  # runs a function beside the requests
        self._said_unreadable = False
        self.running = None  # the Exchange that the main thread runs, or ran last
        self._make = Exchange
        self._getpid = os.getpid

    def attach(self, reader, writer):
        """Sets whom it talks to. Called on the main thread."""
        self.reader = reader
        self.put = writer.put
        self.put_with = writer.put_with
        self.log = Log(writer)
        self._main = get_ident()

    def ready(self):
        self.put(self.greeting)

    def run(self):
        """Serves until fd 0 ends, and returns then."""
        if self.greenlets:
            from .greenlets import Green, run

            self._make = Green
            run(self)
            return
        if self.threads > 1:
            from .interrupt import Threaded

            self._make = Threaded
            self.inbound = Shared(self)
            self._serve_threads()
            return
        self.inbound = Solo(self)
        self._loop()

    def open(self, stream, flags):
        """Returns the Exchange of a Request that has just been read."""
        exchange = self.streams[stream] = self._make(stream, self)
        self.newest = stream
        if not flags:
            exchange.inbox = []
        if self.cancels and stream in self.cancels:  # after the entry in streams: see cancel
            exchange.cancelled = True
        return exchange

    def put_shared(self, kind, flags, stream, head, body):
        """Puts a Head or a Body with body in the shared memory; head: what of the payload comes before it. False: it has to
        cross the pipe."""
        shared = self.shared
        if shared is None:
            shared = self.share()
        ref = shared and shared.put(body)
        if not ref:
            return False
        self.put(pack_header(MAGIC, kind, flags | SHARED, stream, len(head) + len(ref)) + head + ref)
        return True

    def share(self):
        """Makes the shared memory, and returns it. Any thread; once, whatever comes of it. False: there is none, or not yet."""
        if not self._share(False):
            return False
        from .memory import make

        self.shared = make(self.control) or False
        return self.shared

    def claim(self, exchange):
        """Whoever takes a Request to run it asks first. False: it was recalled, and is forgotten. In the order of the streams,
        and by one thread at a time."""
        stream = exchange.stream
        self._enter()
        self.claimed = stream
        gone = stream in self.recalled
        if gone:
            self.recalled.discard(stream)
        self._leave()
        if gone:
            self.close(stream)
            return False
        return True

    def recall(self, streams):
        """The control thread. Returns those of streams that were not claimed, and now never will be: each once. Its Request may
        still be on its way."""
        given = []
        self._enter()
        for stream in streams:
            if stream and 0 < (stream - self.claimed) & 0xFFFFFFFF < 0x80000000 and stream not in self.recalled:
                self.recalled.add(stream)
                given.append(stream)
        self._leave()
        return given

    def _loop(self):
        take = self.inbound.take
        settle, broken = output.settler(self.log)
        while True:
            request = take()
            if request is None:
                return
            exchange, payload = request
            serve(self, exchange, payload)
            try:
                settle()
            except BaseException as error:  # the app's stream, which may raise anything
                broken(error)

    def _serve_threads(self):
        import threading

        threads = [threading.Thread(target=self._thread, name="standpipe-%d" % (number + 1), daemon=True) for number in range(self.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _thread(self):
        try:
            self._loop()
        except ProtocolError as error:
            self.out_of_step(error)

    def out_of_step(self, error):
        """fd 0 brought something that is no frame. Nothing after it can be trusted."""
        output.say("standpipe: the worker's stdin is out of step: %s\n" % error)
        os._exit(4)

    def cancel(self, stream):
        """Any thread. fd 3 may be faster than fd 0: the Request of this stream may not have been read yet. It is noted first
        and looked up then, and open does it the other way round, so one of the two sees the other."""
        self.cancels.add(stream)
        exchange = self.streams.get(stream)
        if exchange is not None:
            exchange.cancelled = True
            if self.inbound is not None:
                self.inbound.poke(exchange)
            if exchange.callbacks:
                self.aside(exchange.run_callbacks)
        elif not 0 < (stream - self.newest) & 0xFFFFFFFF < 0x80000000:
            self.cancels.discard(stream)  # it has ended

    def interrupt(self, stream, cause):
        """The control thread. A Cancel, and the app's work for this stream ends by an exception."""
        exchange = self.streams.get(stream)
        if exchange is not None:
            exchange.interrupt = _CAUSES[cause]
        self.cancel(stream)
        if exchange is not None:
            from .interrupt import pursue

            start_new_thread(pursue, (self, exchange, self._main))

    def on_interrupt(self, frame):
        """The main thread, at SIGURG. Raises when the app's code runs for a request that is to be interrupted."""
        exchange = self.running
        if exchange is None or exchange.interrupt is None or exchange.raised or exchange.threaded:
            return
        if in_app(frame):
            exchange.end_now()

    def thread_of(self, stream):
        """The ident of the thread that runs stream; 0: none."""
        exchange = self.streams.get(stream)
        if exchange is None:
            return 0
        return exchange.thread if exchange.threaded else self._main

    def close(self, stream):
        """The answer of this stream has ended. The order matters to cancel."""
        self.streams.pop(stream, None)
        if self.cancels:
            self.cancels.discard(stream)

    def say_unreadable(self, why):
        """Once per worker: it will be so for every large body."""
        if not self._said_unreadable:
            self._said_unreadable = True
            message = "a large request body is not readable here, and crosses the pipe instead: %s (said once per worker)" % why
            self.log.put("warn", "body_file_unreadable", message)

    def stop(self):
        self.signals.stopping = True
        if self.greenlets and self.inbound is not None:
            self.inbound.stay_awake()

    def forked(self):
        """Says whether this process is a fork() of the worker that has come back into the shim."""
        return self._getpid() != self.pipes.pid

    def leave(self, error=None):
        """Ends a forked child. It must not answer: the worker will. A child that asked to leave by sys.exit does so."""
        status = 70
        if isinstance(error, SystemExit):
            code = error.code
            status = code if isinstance(code, int) else 0 if code is None else 1
        else:
            output.say(
                "standpipe: a child that the app made by fork() returned from the app; it ends here, with status 70 "
                "(end it with os._exit)\n"
            )
        output.flush_all()
        os._exit(status & 0xFF)
