"""The loop for workers with --gevent: one greenlet per request, on the main thread. Imported in this mode only, and before
gevent patches anything: what it imports here keeps the real locks and threads.

The main greenlet reads fd 0. The control thread never touches a greenlet: it posts to the hub. So all that is here but post,
poke and stacks runs on the main thread, and only a wait switches from one greenlet to another."""

import os
import sys
from _thread import allocate_lock, get_ident, start_new_thread
from collections import deque

from ..boot.loader import Failure, set_path
from ..boot.signals import in_app
from . import interrupt, log, output, packing, report  # noqa: F401  the control thread must not wait for an import under the patches
from .exchange import Exchange, _blocks
from .frames import ProtocolError
from .inbound import Solo
from .serve import serve

_OLDEST = (20, 9)  # the first whose greenlets have a contextvars context each
_RING = 0.1  # seconds
_ANSWER = 0.1  # seconds in which a hub that is not held up answers


def patch(boot):
    """Before the app is imported. Raises Failure when there is no gevent to use."""
    set_path(boot["dir"], boot["pythonpath"])
    version = "%d.%d.%d" % sys.version_info[:3]
    python = "%s (%s%s)" % (sys.executable or "this Python", version, ", " + boot["found"] if boot["found"] else "")
    pip = "%s -m pip install --upgrade gevent" % (sys.executable or "python3")
    try:
        import gevent
        from gevent import monkey
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "gevent":
            raise Failure("no_gevent", "--gevent needs gevent, which %s does not have: %s" % (python, pip), error=None) from None
        raise Failure("no_gevent", "--gevent: %s cannot import its gevent: %s; try: %s" % (python, error, pip), error=error) from None
    except Exception as error:  # one made for another Python
        text = "--gevent: the gevent of %s does not work there: %s: %s; try: %s"
        raise Failure("no_gevent", text % (python, type(error).__name__, error, pip), error=error) from None
    parts = getattr(gevent, "__version__", "").split(".")
    if not all(part.isdigit() for part in parts[:2]) or tuple(map(int, parts[:2])) < _OLDEST:
        text = "--gevent needs gevent %d.%d or newer; %s has %s: %s"
        found = getattr(gevent, "__version__", "one without a version")
        raise Failure("no_gevent", text % (_OLDEST[0], _OLDEST[1], python, found, pip)) from None
    monkey.patch_all()


def run(worker):
    """Serves until fd 0 ends and what runs has been answered. Greenlets of the app's own may be left."""
    from gevent import Greenlet, joinall

    running = set()
    inbound = worker.inbound = Greenlets(worker)
    while True:
        request = inbound.take()
        if request is None:
            break
        exchange = request[0]
        exchange.greenlet = Greenlet(_one, worker, *request)
        running.add(exchange.greenlet)
        exchange.greenlet.rawlink(running.discard)
        exchange.greenlet.start()
    joinall(list(running))


def _one(worker, exchange, payload):
    try:
        serve(worker, exchange, payload)
    except ProtocolError as error:
        worker.out_of_step(error)
    try:
        worker.inbound.settle()
    except BaseException as error:  # the app's stream, which may raise anything
        worker.inbound.broken(error)


class Green(Exchange):
    """An Exchange that runs in a greenlet of its own. It is struck from the hub alone, while it waits, so a flag says enough."""

    threaded = True
    thread = 0  # no thread is to be struck: who prints need not step out
    greenlet = None
    _inside = False  # what it waits in is the app's code

    def throw(self):
        """Any thread."""
        self._worker.inbound.post(self._strike)

    def _strike(self):
        if self._inside and not self.raised and not self.greenlet.dead:
            self.raised = True
            self.greenlet.throw(self.interrupt("the request was interrupted by standpipe"))

    def enter(self):
        self._inside = not self.over or bool(self.held)

    def leave(self):
        self._inside = False

    def call(self, function, *args):
        self._inside = True
        try:
            return function(*args)
        finally:
            self._inside = False

    def each(self, result):
        blocks = self.call(_blocks, result)
        while True:
            try:
                block = self.call(next, blocks)
            except StopIteration:
                return
            yield block


class Greenlets(Solo):
    """The frames for a worker whose requests are greenlets."""

    def __init__(self, worker):
        super().__init__(worker)
        from gevent import get_hub, getcurrent, spawn
        from gevent.hub import Waiter

        self._main = get_ident()
        self.settle, self.broken = output.settler(worker.log)
        self._hub = get_hub()
        self._spawn = spawn
        self._waiter = Waiter
        self._current = getcurrent
        self._parked = {}  # Exchange -> Waiter
        self._posted = deque()
        self._bell = self._hub.loop.async_()
        self._bell.start(self._answer)
        self._readable_fd = self._hub.loop.io(self._fd, 1)
        self._read = os.read
        self._forker = None  # in a forked child, the greenlet that forked
        worker.reader.read_by(self._read_when_ready)
        worker.aside = self._aside
        worker.leave = self._leave_child
        worker.signals.at_term = self._end_all
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    # Blocks the main greenlet, not the hub. Readable means that one read does not block: nobody else reads this pipe.

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

    def _aside(self, function):
        self.post(self._spawn, function)

    def stay_awake(self):
        """The control thread, at Stop. A signal that comes just before the hub goes to sleep would be noticed at its next
        event alone, and that may be never: from now on there is always one soon."""
        start_new_thread(self._ring, ())

    def _ring(self):  # ends with the process
        never = allocate_lock()
        never.acquire()
        while not never.acquire(True, _RING):
            self._bell.send()

    def _end_all(self, frame):
        """A signal handler: the hub may run, or the greenlet of a request that never yields. Nobody else may be struck: a
        SystemExit in the hub would be the end of all."""
        self.post(self._strike_all)
        current = self._current()
        for exchange in list(self._streams.values()):
            if exchange.greenlet is current and exchange._inside and in_app(frame):
                raise SystemExit("standpipe stops this worker")

    def _strike_all(self):
        for exchange in list(self._streams.values()):
            if exchange.greenlet is not None and exchange._inside and not exchange.greenlet.dead:
                exchange.greenlet.throw(SystemExit("standpipe stops this worker"))

    # In a forked child all greenlets of the worker are there too. The one that forked is the child; another that comes back
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
        """The control thread. What waits is in the greenlets, and the hub looks at those while none of them runs. A hub that
        does not answer is held up by the code that the main thread runs: that code is what the request waits for."""
        done = allocate_lock()
        done.acquire()
        found = []

        def look():
            for exchange in list(self._streams.values()):
                if exchange.greenlet is not None and exchange.greenlet.gr_frame is not None:
                    title = "greenlet of request %d%s" % (exchange.stream, ", of this request" if exchange.stream == stream else "")
                    found.append((title, report.lines(exchange.greenlet.gr_frame, base)))
            done.release()

        self.post(look)
        if not done.acquire(True, _ANSWER):
            return report.stacks(base, self._main)
        out = [report.stacks(base)]
        for title, lines in found:
            if lines:
                out.append("\n".join([title.replace("greenlet", "thread (greenlet)", 1)] + lines) + "\n")
        return report.cut("".join(out), 512 << 10)
