"""A round of clients that ask for 10 MiB and read nothing: what they hold of the upstream and of memory, and whether they are ended."""

import socket
import time

import crowd
import load
import proxies

LOOK = 5  # seconds after the last request
GRACE = 20  # beyond the send timeout, which nginx begins again while it fills a file
WINDOW = 16 << 10  # bytes of a client's receive buffer
REQUEST = b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n"


def round(entrant):
    count = entrant.case.shape.idle
    begin = crowd.settle(lambda: crowd.front(entrant.roots))
    held, started = [], time.monotonic()
    try:
        for _ in range(count):
            c = socket.socket()
            held.append(c)
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
            c.settimeout(20)
            c.connect(("127.0.0.1", entrant.port))
            c.sendall(REQUEST)
        asked = time.monotonic()
        time.sleep(LOOK)
        got = {"requests": count, "held": entrant.behind.busy(), "grown": crowd.front(entrant.roots) - begin, "asking": asked - started}
        end = asked + proxies.SEND_TIMEOUT + GRACE
        while time.monotonic() < end and connections(entrant.port):
            time.sleep(0.1)
        got["left"] = connections(entrant.port)
        got["ended"] = time.monotonic() - asked
    except OSError as e:
        raise load.LoadError("after %d clients: %s" % (len(held), e))
    finally:
        for c in held:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, crowd.RESET)
            c.close()
    return got


def connections(port):
    """How many established connections the server has at port: one that it has closed is none, whatever its client still has."""
    found = 0
    with open("/proc/net/tcp") as f:
        for line in f:
            words = line.split()
            found += words[1].endswith(":%04X" % port) and words[3] == "01"
    return found
