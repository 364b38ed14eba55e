"""Connections that have had an answer each and ask nothing more: what they cost in memory, and whether those that ask notice them."""

import socket
import struct
import time

import load
import usage

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: no TIME_WAIT, of which some ten thousand would use up the ports


def connect(port, count, request):
    """count connections with one request each."""
    held = []
    for _ in range(count):
        c = socket.create_connection(("127.0.0.1", port), 20)
        c.sendall(request)
        held.append(c)
    return held


class Crowd:
    """Idle connections to port, as a context."""

    def __init__(self, port, count):
        self._port, self._count, self._held = port, count, []

    def __enter__(self):
        try:
            while len(self._held) < self._count:
                self._held += connect(self._port, 1, REQUEST)
                if not self._held[-1].recv(4096).startswith(b"HTTP/1.1 200"):
                    raise load.LoadError("an idle connection got an answer that is not 200")
        except OSError as e:
            self.__exit__()
            raise load.LoadError("after %d idle connections: %s" % (len(self._held), e))
        return self

    def __exit__(self, *_):
        for c in self._held:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            c.close()
        self._held = []

    def whole(self):
        """Fails when the server has closed some of them."""
        gone = 0
        for c in self._held:
            c.setblocking(False)
            try:
                gone += c.recv(1, socket.MSG_PEEK) == b""
            except BlockingIOError:
                pass
            except OSError:
                gone += 1
        if gone:
            raise load.LoadError("%d of %d idle connections were closed" % (gone, self._count))


def settle(look):
    """look() once it does not change any more, in MiB."""
    last, same, end = -1.0, 0, time.monotonic() + 10
    while same < 5 and time.monotonic() < end:
        now = look()
        last, same = now, same + 1 if abs(now - last) < 0.1 else 0
        time.sleep(0.1)
    return last


def front(roots):
    """MiB of what stands before Python: the Go process, nginx."""
    return sum(usage.rss(p.pid) for p in usage.tree(roots) if usage.part(p) != "Python")


def memory(entrant):
    """A round of a server that was just started: MiB by which it grows."""
    begin = settle(lambda: front(entrant.roots))
    with Crowd(entrant.port, entrant.case.shape.idle) as crowd:
        end = settle(lambda: front(entrant.roots))
        crowd.whole()
    return {"at_start": begin, "grown": end - begin}


def beside(entrant, seconds):
    """A round of busy connections: their p99 alone, and beside the crowd."""
    alone = _busy(entrant, seconds)
    with Crowd(entrant.port, entrant.case.shape.idle) as crowd:
        among = _busy(entrant, seconds)
        crowd.whole()
    settle(lambda: front(entrant.roots))
    return {
        "times": among["p99"] / alone["p99"],
        "p99": among["p99"],
        "p99_alone": alone["p99"],
        "rate": among["rate"],
        "rate_alone": alone["rate"],
        "requests": among["requests"] + alone["requests"],
    }


def _busy(entrant, seconds):
    load.stir(entrant.port, entrant.case.connections)
    return load.wrk(entrant.port, seconds, entrant.case.connections)
