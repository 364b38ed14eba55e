"""standpipe.purge: what the shim sends, what the app gets, and where it may be called."""

import sys
import unittest

from peer import WorkerTest, environ, frames, request_frame, unpack
from standpipe_shim.core.packing import pack
from test_gevent import PYTHON

APP = """
import os, sys, threading
import standpipe
from standpipe import PurgeError, on_fork, purge

done = []
def note(function):
    try:
        done.append(function())
    except BaseException as error:
        done.append("%s: %s" % (type(error).__name__, error))
    return done[-1]

if "hook" in os.environ.get("WHERE", ""):
    on_fork(lambda: note(lambda: purge(groups=["hook"])))
if "import" in os.environ.get("WHERE", ""):
    note(lambda: purge(groups=["import"]))

def child():
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return "waited"
    sys.stderr.write("child: %s\\n" % note(lambda: purge(all=True)))
    sys.stderr.flush()
    os._exit(0)

CALLS = {
    "/lists": lambda e: e["standpipe.purge"](urls=["https://shop.example/"], prefixes=("/p/",), groups={"g"}, soft=True),
    "/all": lambda e: purge(all=True),
    "/nothing": lambda e: purge(),
    "/empty": lambda e: purge(groups=[]),
    "/both": lambda e: purge(groups=["g"], all=True),
    "/text": lambda e: purge(groups="g"),
    "/bytes": lambda e: purge(groups=[b"g"]),
    "/relative": lambda e: purge(urls=["shop.example/"]),
    "/long": lambda e: purge(groups=["g" * 8193]),
    "/many": lambda e: purge(groups=(str(n) for n in range(1025))),
    "/large": lambda e: purge(groups=["%08192d" % n for n in range(40)]),
    "/child": lambda e: child(),
    "/same": lambda e: e["standpipe.purge"] is standpipe.purge,
}

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/thread":
        thread = threading.Thread(target=note, args=(lambda: purge(groups=["thread"]),))
        thread.start()
        thread.join()
    elif path == "/copied":
        import contextvars
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(note, lambda: purge(groups=["copied"])))
        thread.start()
        thread.join()
    elif path != "/seen":
        note(lambda: CALLS[path](environ))
    start_response("200 OK", [])
    return [str(done[-1] if done else "").encode()]
"""

WAYS = ({}, {"threads": 2})


class Purge(WorkerTest):
    def purge(self, worker):
        """Reads a Purge on fd 3: its number and its map."""
        header = b""
        while len(header) < 12:
            header += worker.control.recv(12 - len(header))
        magic, kind, flags, number, length = frames._unpack(header)
        self.assertEqual((magic, kind, flags), (0xC1, frames.PURGE, 0))
        payload = b""
        while len(payload) < length:
            payload += worker.control.recv(length - len(payload))
        return number, unpack(payload)

    def purged(self, worker, number, removed=0, error=""):
        worker.order(frames.PURGED, number, pack({"removed": removed, "error": error}))

    def test_the_app_waits_for_the_answer(self):
        for options in WAYS:
            with self.subTest(options):
                worker = self.worker(APP, **options)
                worker.send(request_frame(1, environ(PATH_INFO="/lists")))
                number, message = self.purge(worker)
                want = {"urls": ["https://shop.example/"], "prefixes": ["/p/"], "groups": ["g"], "all": False, "soft": True}
                self.assertEqual(message, want)
                self.assertGreater(number, 0)
                self.assertTrue(worker.silent())
                self.purged(worker, number, removed=3)
                self.assertEqual(worker.answer(1).body, b"3")
                worker.send(request_frame(2, environ(PATH_INFO="/all")))
                number, message = self.purge(worker)
                self.assertEqual(message, {"urls": [], "prefixes": [], "groups": [], "all": True, "soft": False})
                self.purged(worker, number, error="redis does not answer")
                self.assertEqual(worker.answer(2).body, b"PurgeError: redis does not answer")
                self.assertEqual(worker.get(3, PATH_INFO="/same").body, b"True")

    def test_what_is_no_purge(self):
        worker = self.worker(APP)
        for stream, (path, want) in enumerate(
            {
                "/nothing": "ValueError: purge: say what is removed: urls, prefixes, groups, or all=True",
                "/empty": "0",
                "/both": "ValueError: purge: all=True is everything; it goes with no urls, prefixes or groups",
                "/text": "TypeError: purge: groups is a list of str; write groups=['g']",
                "/bytes": "TypeError: purge: groups has str in it, not bytes",
                "/relative": "ValueError: purge: one of urls begins with https://, http:// or, for every host, /; not 'shop.example/'",
                "/long": "ValueError: purge: one of groups has 8193 characters; it has 1 to 8192 bytes",
                "/many": "ValueError: purge: 1025 urls, prefixes and groups; at most 1024 in one call",
                "/large": "ValueError: purge: 327838 bytes of urls, prefixes and groups; at most 262144 in one call",
            }.items()
        ):
            with self.subTest(path):
                self.assertEqual(worker.get(stream + 1, PATH_INFO=path).body.decode(), want)

    def test_outside_of_requests(self):
        for options in WAYS:
            with self.subTest(options):
                worker = self.peer(APP, env={"WHERE": "import, hook"}, **options)
                worker.said = worker.hello()
                worker.send(frames.frame(frames.BOOT, 0, 0, pack(worker.boot_message)))
                for count, name in enumerate(("import", "hook")):
                    number, message = self.purge(worker)
                    self.assertEqual(message["groups"], [name])
                    self.purged(worker, number, removed=count + 5)
                self.assertEqual(worker.frame()[0], frames.READY)
                self.assertEqual(worker.get(1, PATH_INFO="/seen").body, b"6")
                for stream, path in enumerate(("/thread", "/copied")):
                    worker.send(request_frame(stream + 2, environ(PATH_INFO=path)))
                    number, message = self.purge(worker)
                    self.assertEqual(message["groups"], [path[1:]])
                    self.purged(worker, number, removed=stream + 7)
                    self.assertEqual(worker.answer(stream + 2).body, b"%d" % (stream + 7))

    def test_two_at_a_time_get_their_own_answers(self):
        worker = self.worker(APP, threads=2)
        worker.send(request_frame(1, environ(PATH_INFO="/lists")) + request_frame(2, environ(PATH_INFO="/all")))
        two = [self.purge(worker), self.purge(worker)]
        for number, message in reversed(two):
            self.purged(worker, number, removed=2 if message["all"] else 1)
        bodies = {}
        for _ in two:
            _, _, stream, payload = worker.frame()
            bodies[stream] = payload[-1:]
        self.assertEqual(sorted(bodies), [1, 2])

    def test_a_late_or_strange_answer(self):
        worker = self.worker(APP)
        self.purged(worker, 99, removed=1)
        worker.send(request_frame(1, environ(PATH_INFO="/all")))
        number, _ = self.purge(worker)
        worker.order(frames.PURGED, number, pack([1]))
        self.assertIn(b"PurgeError: the server's answer cannot be read", worker.answer(1).body)

    def test_an_interrupt_ends_the_wait(self):
        for options in WAYS if sys.implementation.name == "cpython" else WAYS[:1]:
            with self.subTest(options):
                worker = self.worker(APP, **options)
                worker.send(request_frame(1, environ(PATH_INFO="/all")))
                number, _ = self.purge(worker)
                worker.order(frames.INTERRUPT, 1, b"\x01")
                kind, flags, stream, payload = worker.frame()
                self.assertEqual((kind, flags, stream), (frames.HEAD, frames.LAST, 1))
                self.assertIn(b"RequestTimeout", payload)
                self.purged(worker, number)

    def test_no_way_to_the_server(self):
        worker = self.worker(APP, control=False)
        self.assertIn(b"PurgeError: this process has no way to the server", worker.get(1, PATH_INFO="/all").body)
        worker = self.worker(APP)
        self.assertEqual(worker.get(1, PATH_INFO="/child").body, b"waited")
        self.assertIn("child: PurgeError: this process has no way", worker.output("child: PurgeError"))

    @unittest.skipUnless(PYTHON, "SKIP[no-gevent]: no Python with gevent; run make testenv")
    def test_greenlets(self):
        worker = self.worker(APP, gevent=10, python=PYTHON)
        worker.send(request_frame(1, environ(PATH_INFO="/lists")))
        number, _ = self.purge(worker)
        self.assertEqual(worker.get(2, PATH_INFO="/same").body, b"True")  # the hub runs meanwhile
        self.purged(worker, number, removed=4)
        self.assertEqual(worker.answer(1).body, b"4")


if __name__ == "__main__":
    unittest.main()
