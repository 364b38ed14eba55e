"""standpipe.purge: the app removes entries of the HTTP cache ("Purges" of shim/PROTOCOL.md). Imported at the first call.

Go's answer comes on fd 3, to the control thread, so any thread may wait for it: that of a request, one of the app's own, and the one
that imports the app."""

from _thread import get_ident
from time import monotonic

from .. import PurgeError
from .control import allocate_lock  # a real one: gevent had patched nothing when that module was imported
from .frames import PURGE, frame
from .output import current
from .packing import BadValue, pack, unpack

ITEMS = 1024  # URLs, prefixes and groups in one call, at most
_TEXT = 8192  # bytes of each
_PAYLOAD = 256 << 10  # bytes of all
_OPEN = 256  # calls at a time
_LOOK = 0.05  # seconds between two looks whether the request is interrupted
_MOST = 30  # seconds; Go answers within 10


class Call:
    """One purge that waits for Go's answer."""

    def __init__(self):
        self.payload = None  # of Purged
        self.came = allocate_lock()
        self.came.acquire()
        self.wake = None  # tells the hub of gevent

    def settle(self, payload):
        """The control thread."""
        self.payload = payload
        self.came.release()
        if self.wake is not None:
            self.wake(self)


def purge(worker, urls, prefixes, groups, all, soft):
    """Removes entries, and returns how many, when they are gone."""
    message = {"urls": _urls("urls", urls), "prefixes": _urls("prefixes", prefixes), "groups": _texts("groups", groups)}
    message.update({"all": bool(all), "soft": bool(soft)})
    count = sum(len(message[name]) for name in ("urls", "prefixes", "groups"))
    if all and count:
        raise ValueError("purge: all=True is everything; it goes with no urls, prefixes or groups")
    if not all and not count:
        if urls is None and prefixes is None and groups is None:
            raise ValueError("purge: say what is removed: urls, prefixes, groups, or all=True")
        return 0  # empty lists
    if count > ITEMS:
        raise ValueError("purge: %d urls, prefixes and groups; at most %d in one call" % (count, ITEMS))
    payload = pack(message)
    if len(payload) > _PAYLOAD:
        raise ValueError("purge: %d bytes of urls, prefixes and groups; at most %d in one call" % (len(payload), _PAYLOAD))
    return _removed(_ask(worker, payload))


def _texts(name, given):
    if given is None:
        return []
    if isinstance(given, (str, bytes)):
        raise TypeError("purge: %s is a list of str; write %s=[%r]" % (name, name, given))
    texts = list(given)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError("purge: %s has str in it, not %s" % (name, type(text).__name__))
        if not text or len(text.encode("utf-8", "backslashreplace")) > _TEXT:
            raise ValueError("purge: one of %s has %d characters; it has 1 to %d bytes" % (name, len(text), _TEXT))
    return texts


def _urls(name, given):
    texts = _texts(name, given)
    for text in texts:
        if not text.startswith(("/", "http://", "https://")):
            raise ValueError("purge: one of %s begins with https://, http:// or, for every host, /; not %r" % (name, text[:200]))
    return texts


def _ask(worker, payload):
    """Sends a Purge, and returns the payload of its Purged."""
    control = worker.control
    if worker.preload:
        raise PurgeError(
            "the app is imported for its workers, and nothing can be purged yet; standpipe.on_fork calls a function in each worker"
        )
    if control is None or not control.passes() or worker.forked():
        raise PurgeError(
            "this process has no way to the server: it is a child of a worker, or a program between the two has closed its socket"
        )
    call = Call()
    number = control.expect(call, _OPEN)
    if not number:
        raise PurgeError("%d purges at a time have no answer yet" % _OPEN)
    exchange = current.get()
    if exchange is not None and not _runs_here(worker, exchange):
        exchange = None
    if exchange is not None:
        exchange.leave()
    try:
        if _parks(worker):
            call.wake = worker.inbound.poke
            control.say(frame(PURGE, 0, number, payload))
            worker.inbound.wait(call, lambda: call.payload is not None)
        else:
            control.say(frame(PURGE, 0, number, payload))
        _wait(call, exchange)
    except OSError as error:
        raise PurgeError("the server cannot be reached: %s" % error) from None
    finally:
        control.asked.pop(number, None)
        if exchange is not None:
            exchange.enter()
    return call.payload


def _wait(call, exchange):
    end = monotonic() + _MOST
    while not call.came.acquire(True, _LOOK):
        if exchange is not None and exchange.interrupt is not None and not exchange.raised:
            exchange.end_now()
        if monotonic() > end:
            raise PurgeError("the server has not answered for %d s" % _MOST)


def _runs_here(worker, exchange):
    """Says whether this thread, or greenlet, runs the app for exchange: contexts are copied into others."""
    if exchange.has_ended():
        return False
    if not exchange.threaded:
        return get_ident() == worker.main
    greenlet = getattr(exchange, "greenlet", None)
    if greenlet is not None:
        return worker.inbound.runs(greenlet)
    return exchange.thread == get_ident()


def _parks(worker):
    """Says whether the hub of gevent can wait in the place of this code."""
    return worker.greenlets and worker.inbound is not None and worker.inbound.may_wait()


def _removed(payload):
    try:
        answer = unpack(payload)
        removed, why = answer["removed"], answer["error"]
    except (BadValue, KeyError, TypeError) as error:
        raise PurgeError("the server's answer cannot be read: %s" % error) from None
    if why:
        raise PurgeError(why)
    return removed
