"""Views that hang, each in its own way, and views that use what standpipe puts into the environ."""

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


def c(environ, q):
    sum(range(10**12))  # stuck: c


def swallow(environ, q):
    try:
        time.sleep(1000)
    except Exception:
        print("swallowed", flush=True)
    finally:
        print("finally", flush=True)


def stubborn(environ, q):
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            print("caught", flush=True)


def gate(environ, q):
    print("at the gate", flush=True)
    while not os.path.exists(q["path"]):
        time.sleep(0.01)


def gone(environ, q):
    print("waiting", flush=True)
    try:
        time.sleep(1000)
    except BaseException as error:
        print("raised", type(error).__module__, type(error).__name__, flush=True)
        raise


def cancelled(environ, q):
    print("waiting", flush=True)
    environ["standpipe.on_cancel"](lambda: print("told", flush=True))
    while not environ["standpipe.cancelled"]():
        time.sleep(0.01)
    print("noticed", flush=True)


def deadline(environ, q):
    return str(environ["standpipe.deadline"] - time.monotonic())


def after(environ, q):
    environ["standpipe.after_response"](lambda: gate(environ, q))
    environ["standpipe.after_response"](lambda: print("after", flush=True))


def silent(environ, q):
    def answer():
        yield b"one"
        time.sleep(1000)

    return answer()


def ticks(environ, q):
    def answer():
        for _ in range(6):
            yield b"tick\n"
            time.sleep(0.8)

    return answer()


def pid(environ, q):
    return str(os.getpid())


VIEWS = [sleep, recv, lock, loop, c, swallow, stubborn, gate, gone, cancelled, deadline, after, silent, ticks, pid]


def app(environ, start_response):
    view = {"/" + f.__name__: f for f in VIEWS}[environ["PATH_INFO"]]
    answer = view(environ, dict(parse_qsl(environ["QUERY_STRING"])))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return answer if hasattr(answer, "__next__") else [(answer or "done").encode()]
