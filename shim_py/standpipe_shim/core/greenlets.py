"""The loop for workers with --gevent: one greenlet per request, on the main thread. Imported in this mode only, and before gevent
patches anything: what it imports keeps the real locks and threads.

The main greenlet reads fd 0. The control thread never touches a greenlet: it posts to the hub. So all code here but post, poke and
stacks runs on the main thread, and only a wait switches from one greenlet to another."""

import os
from _thread import allocate_lock, get_ident, start_new_thread
from collections import deque

from . import callbacks, output, report  # noqa: F401  the control thread must not wait for an import under the patches
from .border import in_app
from .exchange import Exchange
from .frames import ProtocolError
from .inbound import Inbound
from .interrupt import each
from .serve import serve

_RING = 0.1  # seconds
_ANSWER = 0.1  # seconds in which a hub answers that no code holds up


def run(worker):
    """Serves until fd 0 ends and what runs has been answered. Greenlets of the app's own may be left."""
    from gevent import Greenlet, joinall

    def one(exchange, payload):
        try:
            serve(worker, exchange, payload)
        except ProtocolError as error:
            worker.out_of_step(error)
        try:
            settle()
        except BaseException as error:  # the app's stream, which may raise anything
            broken(error)

    worker.make = Green
    worker.inbound = GreenInbound(worker)
    settle, broken, _ = output.settler(worker.log)
    running = set()
    while True:
        request = worker.inbound.take()
        if request is None:
            break
        greenlet = request[0].greenlet = Greenlet(one, *request)
        running.add(greenlet)
        greenlet.rawlink(running.discard)
        greenlet.start()
    joinall(list(running))


class Green(Exchange):
    """An Exchange that runs in a greenlet of its own. Only the hub throws into it, while it waits, so a flag is enough."""

    threaded = True
    thread = 0  # no thread is to be struck: code that prints need not step out
    greenlet = None
    inside = False  # what it waits in is the app's code
    each = each

    def throw(self):
        """Any thread."""
        self._worker.inbound.post(self._strike)

    def _strike(self):
        if self.inside and not self.raised and not self.greenlet.dead:
            self.raised = True
            self.greenlet.throw(self.interrupt("the request was interrupted by standpipe"))

    def enter(self):
        self.inside = not self.over or bool(self.held)

    def leave(self):
        self.inside = False

    def call(self, function, *args):
        self.inside = True
        try:
            return function(*args)
        finally:
            self.inside = False


class GreenInbound(Inbound):
    """The frames for a worker whose requests are greenlets."""

    def __init__(self, worker):
        super().__init__(worker)
        from gevent import get_hub, getcurrent, spawn
        from gevent.hub import Waiter

        self._hub = get_hub()
        self._waiter = Waiter
        self._current = getcurrent
        self._parked = {}  # Exchange -> Waiter
        self._posted = deque()
        self._bell = self._hub.loop.async_()
        self._bell.start(self._answer)
        self._readable_fd = self._hub.loop.io(self._fd, 1)
        self._read = os.read
        self._forker = None  # in a forked child, the greenlet that forked
        worker.reader.read = self._read_when_ready
        worker.aside = lambda function, *args: self.post(spawn, function, *args)
        worker.leave = self._leave_child
        worker.signals.at_term = self._end_all
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    # Blocks the main greenlet, not the hub. Readable means that one read does not block: nothing else reads this pipe.

    def _read_when_ready(self, fd, size):
        self._hub.wait(self._readable_fd)
        if self._worker.forked():
            self._park_for_ever()
        return self._read(fd, size)

    def wait(self, exchange, ready):
        while not ready() and not self.closed:
            waiter = self._parked[exchange] = self._waiter(self._hub)
            try:
                waiter.get()
            finally:
                self._parked.pop(exchange, None)

    def poke(self, exchange):
        self.post(self._unpark, exchange)

    def runs(self, greenlet):
        return self._current() is greenlet

    def may_wait(self):
        """Says whether wait can be called here: on the main thread, and not in the hub itself."""
        return get_ident() == self._worker.main and self._current() is not self._hub

    def _unpark(self, exchange):
        waiter = self._parked.pop(exchange, None)
        if waiter is not None:
            self._hub.loop.run_callback(waiter.switch, None)

    def _route(self, frame):
        exchange = super()._route(frame)
        if self.closed:
            for other in list(self._parked):
                self._unpark(other)
        elif exchange is not None:
            self._unpark(exchange)
        return exchange

    def post(self, function, *args):
        """Has the hub call function. Any thread; a signal handler too."""
        self._posted.append((function, args))
        self._bell.send()

    def _answer(self):
        while self._posted:
            function, args = self._posted.popleft()
            function(*args)

    def stay_awake(self):
        """The control thread, at Stop. The hub would notice a signal that comes just before it goes to sleep at its next event
        only, which may never come: from now on there is always one soon."""
        start_new_thread(self._ring, ())

    def _ring(self):  # ends with the process
        never = allocate_lock()
        never.acquire()
        while not never.acquire(True, _RING):
            self._bell.send()

    def _end_all(self, frame):
        """A signal handler: it interrupts the hub, or the greenlet of a request that never yields. Nothing else may be struck: a
        SystemExit in the hub would end everything."""
        self.post(self._strike_all)
        current = self._current()
        for exchange in list(self._streams.values()):
            if exchange.greenlet is current and exchange.inside and in_app(frame):
                raise SystemExit("standpipe stops this worker")

    def _strike_all(self):
        for exchange in list(self._streams.values()):
            if exchange.greenlet is not None and exchange.inside and not exchange.greenlet.dead:
                exchange.greenlet.throw(SystemExit("standpipe stops this worker"))

    # In a forked child all greenlets of the worker are there too. The one that forked is the child; another one that comes back
    # into the shim must not end it.

    def _forked(self):
        self._forker = self._current()

    def _leave_child(self, error=None):
        if self._forker is not None and self._current() is not self._forker:
            self._park_for_ever()
        type(self._worker).leave(self._worker, error)

    def _park_for_ever(self):
        while True:
            self._hub.switch()

    def stacks(self, base, stream):
        """The control thread. What waits is in the greenlets, and the hub looks at those while none of them runs. A hub that does
        not answer is held up by the code that the main thread runs: the request waits for that code."""
        done = allocate_lock()
        done.acquire()
        found = []

        def look():
            for exchange in list(self._streams.values()):
                if exchange.greenlet is not None and exchange.greenlet.gr_frame is not None:
                    marked = ", of this request" if exchange.stream == stream else ""
                    title = "thread (greenlet) of request %d%s" % (exchange.stream, marked)
                    found.append([title] + report.lines(exchange.greenlet.gr_frame, base))
            done.release()

        self.post(look)
        if not done.acquire(True, _ANSWER):
            return report.stacks(base, self._worker.main)
        out = ["\n".join(part) + "\n" for part in found if len(part) > 1]
        return report.cut("".join([report.stacks(base)] + out), 512 << 10)
