"""A worker with N threads: its frames, its exchanges, its loop. Imported by such workers."""

import threading
from _thread import allocate_lock, get_ident

from . import output
from .exchange import Exchange
from .frames import ProtocolError
from .inbound import Inbound
from .interrupt import each, set_async
from .plain import settle_all
from .serve import serve


def run(worker):
    """Serves on worker.threads threads until fd 0 ends."""

    def loop():
        settle, broken, _ = output.settler(worker.log)
        take = worker.inbound.take
        try:
            while True:
                request = take()
                if request is None:
                    return
                serve(worker, *request)
                settle_all(settle, broken)
        except ProtocolError as error:
            worker.out_of_step(error)

    worker.make = Threaded
    worker.inbound = ThreadedInbound(worker)
    names = ["standpipe-%d" % (number + 1) for number in range(worker.threads)]
    threads = [threading.Thread(target=loop, name=name, daemon=True) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Threaded(Exchange):
    """An Exchange that runs on one of N threads. An asynchronous exception strikes at any point of Python code, and one that comes
    late would strike what the thread does next. So it is set only under the lock, while the thread is in the app's code, and taken
    back when the thread leaves it: a frame that is being written is never cut."""

    threaded = True
    thread = 0  # 0: it does not run yet
    each = each

    def __init__(self, stream, worker):
        self.stream = stream
        self._worker = worker
        self._border = allocate_lock()
        self.inside = False  # the app's code runs

    def throw(self):
        """Any thread."""
        with self._border:
            if self.inside and not self.raised:
                self.raised = set_async(self.thread, self.interrupt)

    def enter(self):
        with self._border:
            self.inside = not self.over or bool(self.held)

    def leave(self):
        with self._border:
            self.inside = False
            if self.raised:
                set_async(self.thread, None)

    def step_out(self):
        """A leave that takes nothing back: an exception that is under way strikes here, where no lock is held, and none strikes
        later. Otherwise an app that prints without end would never be struck."""
        with self._border:
            self.inside = False
        for _ in (1, 2):  # CPython raises it at a jump backwards, if not before
            pass

    def step_in(self):
        """An enter that raises what could not strike meanwhile."""
        with self._border:
            due = self.interrupt is not None and not self.raised
            self.raised = self.raised or due
            self.inside = True
        if due:
            self.end_now()

    def call(self, function, *args):
        if not self.thread:
            self.thread = get_ident()
        with self._border:
            self.inside = True
        try:
            return function(*args)
        finally:
            self.leave()


class ThreadedInbound(Inbound):
    """The frames for N threads. At any time at most one of them reads fd 0; the others sleep, each on a lock of its own. With
    threads Go never sends more Requests than can run.

    The rule that keeps it alive: a thread that leaves while none reads wakes a sleeping one, and a thread that wakes up takes what
    is there, or reads, or sleeps again because another one reads."""

    def __init__(self, worker):
        super().__init__(worker)
        self._mutex = allocate_lock()
        self._reading = False
        self._idle = []  # locks of threads that sleep until there is a Request
        self._waiting = {}  # Exchange -> lock of the thread that sleeps until something comes for it
        self._arm()  # before there are threads that could do it at the same time

    def take(self):
        with self._mutex:
            request = None
            while request is None and (self.ready or not self.closed):
                if self.ready:
                    request = self.ready.pop(0)
                    if not self._worker.claim(request[0]):
                        request = None
                elif self._reading:
                    self._sleep(self._idle.append)
                else:
                    self._read_one(False)
            self._leave()
            return request

    def wait(self, exchange, ready):
        with self._mutex:
            while not ready() and not self.closed:
                if self._reading:
                    self._sleep(lambda lock: self._waiting.__setitem__(exchange, lock))
                else:
                    self._read_one(True)
            self._leave()

    def poke(self, exchange):
        with self._mutex:
            self._wake_up(exchange)
        super().poke(exchange)

    def _wake_up(self, exchange):
        lock = self._waiting.pop(exchange, None)
        if lock is not None:
            lock.release()

    def _sleep(self, put):
        lock = allocate_lock()
        lock.acquire()
        put(lock)
        self._mutex.release()
        lock.acquire()
        self._mutex.acquire()

    def _read_one(self, may_be_poked):
        self._reading = True
        self._mutex.release()
        try:
            poked = may_be_poked and not self._readable()
            frame = None if poked else self._reader.next()
        finally:
            self._mutex.acquire()
            self._reading = False
        if poked:
            return
        exchange = self._route(frame)
        if self.closed:
            while self._idle:
                self._idle.pop().release()
            while self._waiting:
                self._waiting.popitem()[1].release()
        elif exchange is not None:
            self._wake_up(exchange)
        elif may_be_poked and self.ready and self._idle:
            self._idle.pop().release()

    def _leave(self):
        if self._reading:
            return
        if self._idle:
            self._idle.pop().release()
        elif self._waiting:
            self._waiting.popitem()[1].release()
