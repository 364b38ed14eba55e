"""Views for gevent and for many streams: each hangs in its own way, or tells many clients of one event."""

import os
import socket
import threading
import time
from urllib.parse import parse_qsl

pair = socket.socketpair()
held = threading.Lock()
held.acquire()


def sleep(environ, q):
    time.sleep(1000)  # stuck: sleep


def recv(environ, q):
    pair[0].recv(1)  # stuck: recv


def lock(environ, q):
    held.acquire()  # stuck: lock


def loop(environ, q):
    while True:
        int("7")  # stuck: loop


def gate(environ, q):
    print("at the gate", flush=True)
    while not os.path.exists(q["path"]):
        time.sleep(0.01)


def events(environ, q):
    """One event at once, one when the gate has opened."""

    def answer():
        yield b"data: first\n\n"
        while not os.path.exists(q["path"]):
            time.sleep(0.05)
        yield b"data: shared\n\n"

    return answer()


def seconds(environ, q):
    """Events with as much time between them."""
    count, every = int(q["count"]), float(q["every"])

    def answer():
        for number in range(count):
            if number:
                time.sleep(every)
            yield b"data: %d\n\n" % number

    return answer()


def stamps(environ, q):
    """Events at moments that all clients share, each with the time at which it was made."""
    count, every = int(q.get("count", "50")), float(q.get("every", "0.1"))

    def answer():
        yield b"data: begun\n\n"
        for _ in range(count):
            now = time.time()
            time.sleep((now // every + 1) * every - now)
            yield b"data: %.6f\n\n" % time.time()

    return answer()


def threads(environ, q):
    with open("/proc/self/status") as status:
        return [line.split()[1] for line in status if line.startswith("Threads:")][0]


def hello(environ, q):
    return "hello"


def pid(environ, q):
    return str(os.getpid())


VIEWS = {"/" + f.__name__: f for f in (sleep, recv, lock, loop, gate, events, seconds, stamps, threads, hello, pid)}


def app(environ, start_response):
    answer = VIEWS[environ["PATH_INFO"]](environ, dict(parse_qsl(environ["QUERY_STRING"])))
    if hasattr(answer, "__next__"):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return answer
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(answer or "done").encode()]
