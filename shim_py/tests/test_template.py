"""--preload: the template's orders, and what a worker that was forked is like. Go is played by this process, as a subreaper."""

import array
import ctypes
import os
import signal
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from peer import DEADLINE, Peer, WorkerTest, alive, frames, until
from standpipe_shim.core.packing import unpack

_APP = """
    import os, threading, time
    import standpipe_shim
    calls = []
    pid_of_import = os.getpid()
    @standpipe_shim.on_fork
    def hook():
        calls.append((os.getpid(), os.environ.get("STANDPIPE_WORKER")))
    def app(environ, start_response):
        start_response("200 OK", [])
        path = environ["PATH_INFO"]
        if path == "/late":
            standpipe_shim.on_fork(hook)
        elif path == "/sleep":
            time.sleep(60)
        elif path == "/exit":
            os._exit(3)
        return [repr((os.getpid(), pid_of_import, calls, os.environ.get("STANDPIPE_WORKER"), os.getpgrp())).encode()]
    """


def subreaper():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


class Forked(Peer):
    """One worker of a template. Like Peer, but the process is forked by order."""

    def __init__(self, template, **boot):
        self.boot_message = dict(template.boot_message, **boot)
        self.nonce = os.urandom(16)
        requests, answers, output, life, stacks = (os.pipe() for _ in range(5))
        self.control, other = socket.socketpair()
        self.control.settimeout(DEADLINE)
        theirs = [requests[0], answers[1], output[1], other.fileno(), life[0], stacks[1]]
        self.requests, self.answers, self._output_fd = requests[1], answers[0], output[0]
        self.life, self.stacks = life[1], stacks[0]
        try:
            template.order_fork(self.nonce, theirs)
        finally:
            for fd in theirs[:3] + theirs[4:]:
                os.close(fd)
            other.close()
        self._fds = [self.requests, self.life, self.stacks]
        self._held = b""
        self._status = None
        self._output = b""
        self._came = threading.Condition()
        self._ended = False
        kind, payload = template.fork_answer()
        if kind != frames.FORKED:
            for fd in self._fds + [self.answers, self._output_fd]:
                os.close(fd)
            self.control.close()
            raise AssertionError("no worker: %r" % payload)
        self._drainers = [threading.Thread(target=self._drain), threading.Thread(target=self._drain_answers)]
        for drainer in self._drainers:
            drainer.start()
        (self.pid,) = struct.unpack(">I", payload)


class Template(Peer):
    def order_fork(self, nonce, fds):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        self.control.sendmsg([frames.frame(frames.FORK, 0, 0, nonce)], rights)

    def fork_answer(self):
        held = b""
        while len(held) < 12 or len(held) < 12 + struct.unpack(">I", held[8:12])[0]:
            try:
                got = self.control.recv(65536)
            except ConnectionError:
                got = b""
            if not got:
                raise EOFError("the template has left; it wrote: %r" % self._output)
            held += got
        return held[1], held[12:]


@unittest.skipIf(sys.implementation.name != "cpython", "SKIP[pypy]: a template needs CPython")
class TemplateTest(WorkerTest):
    @classmethod
    def setUpClass(cls):
        subreaper()

    def template(self, text=_APP, **options):
        self.file("web.py", text)
        env = dict(options.pop("env", {}), STANDPIPE_TEMPLATE="1")
        template = Template(self.dir, "web:app", env=env, **options)
        self.addCleanup(template.__exit__)
        return template

    def forked(self, template, **boot):
        worker = Forked(template, **boot)
        self.addCleanup(worker.__exit__)
        return worker

    def test_a_worker_is_our_child_and_like_any_other(self):
        template = self.template().start()
        one = self.forked(template, worker=0).start()
        two = self.forked(template, worker=1).start()
        for number, worker in enumerate((one, two)):
            self.assertEqual(worker.said["pid"], worker.pid)
            self.assertTrue(worker.said["control"] and worker.said["life"] and worker.said["stacks"])
            pid, imported, calls, name, group = eval(worker.get().body)
            self.assertEqual((pid, imported, group), (worker.pid, template.pid, worker.pid))
            self.assertEqual(calls, [(worker.pid, str(number))])  # the hook ran once, here
            self.assertEqual(name, str(number))
            self.assertEqual(os.getpgid(worker.pid), worker.pid)
            with open("/proc/%d/stat" % worker.pid) as stat:
                self.assertEqual(int(stat.read().rpartition(")")[2].split()[1]), os.getpid())
        # How they ended is ours to learn.
        one.send(_request(2, "/exit"))
        self.assertEqual(one.wait(), 3)
        os.kill(two.pid, signal.SIGKILL)
        self.assertEqual(two.wait(), -9)
        self.assertTrue(alive(template.pid))

    def test_descriptors_are_those_of_a_started_worker(self):
        started = self.worker(_APP)
        template = self.template().start()
        before = _fds(template.pid)
        forked = self.forked(template).start()
        for peer in (started, forked):
            peer.get()
        # A look may meet a file that is open for a moment.
        self.assertTrue(until(lambda: _fds(forked.pid) == _fds(started.pid)), (_fds(forked.pid), _fds(started.pid)))
        self.assertTrue(until(lambda: set(_fds(template.pid)) <= set(before)), (_fds(template.pid), before))
        ours = set(_links(template.pid).values()) - set(_links(started.pid).values())  # /dev/null, and what these tests inherited
        self.assertEqual(ours & set(_links(forked.pid).values()), set())

    def test_what_a_request_prints_has_its_id(self):
        text = """
            def app(environ, start_response):
                print("for a request")
                start_response("200 OK", [])
                return []
            """
        template = self.template(text, tag="").start()
        worker = self.forked(template, tag="5ec4e7").start()
        worker.get(**{"standpipe.request_id": "01J9"})
        self.assertIn("\x1e5ec4e7:01J9\x1efor a request", worker.output("for a request"))

    def test_threads(self):
        template = self.template(threads=3).start()
        worker = self.forked(template).start()
        for stream in (1, 2):
            worker.send(_request(stream, "/sleep"))
        self.assertEqual(worker.get(3).status, "200 OK")

    def test_orders_reach_a_forked_worker(self):
        template = self.template().start()
        self.forked(template).start()
        worker = self.forked(template).start()  # the second: the first must not have changed the template
        worker.send(_request(1, "/sleep"))

        def dump():
            worker.order(frames.DUMP)
            kind, text = worker.control_frame()
            self.assertEqual(kind, frames.STACKS)
            return "web.py" in text  # else it has not come to the app yet

        self.assertTrue(until(dump))
        os.kill(worker.pid, signal.SIGUSR2)
        text = b""
        while b"web.py" not in text:  # ends with the test's own time
            text += os.read(worker.stacks, 65536)
        worker.order(frames.INTERRUPT, 1, b"\x01")
        worker.answer(1)
        for number in (signal.SIGTERM, signal.SIGINT):  # from outside: nothing
            os.kill(worker.pid, number)
        self.assertEqual(worker.get(2).status, "200 OK")
        worker.order(frames.STOP)
        worker.close_end(worker.requests)
        self.assertEqual(worker.wait(), 0)

    def test_the_life_pipe_is_the_workers_own(self):
        template = self.template().start()
        one, two = self.forked(template).start(), self.forked(template).start()
        self.assertEqual(one.get().status, "200 OK")
        one.close_end(one.life)
        self.assertEqual(one.wait(), -9)
        self.assertEqual(two.get().status, "200 OK")
        template.close_end(template.life)
        self.assertEqual(template.wait(), -9)
        self.assertEqual(two.get(2).status, "200 OK")

    def test_the_end_of_fd_3_is_the_templates_end(self):
        template = self.template(_APP + "\n    import atexit; atexit.register(print, 'farewell')\n").start()
        worker = self.forked(template).start()
        template.control.shutdown(socket.SHUT_RDWR)
        self.assertEqual(template.wait(), 0)
        self.assertIn("farewell", template.output("farewell"))
        self.assertEqual(worker.get().status, "200 OK")

    def test_what_is_no_order(self):
        for raw in (frames.frame(frames.STOP, 0, 0), frames.frame(frames.FORK, 0, 0, b"short"), b"x" * 12):
            template = self.template().start()
            template.control.sendall(raw)
            self.assertEqual(template.wait(), 4)
        template = self.template().start()
        null = os.open(os.devnull, os.O_RDWR)
        self.addCleanup(os.close, null)
        template.order_fork(b"n" * 16, [null] * 5)
        self.assertEqual(template.wait(), 4)

    def test_a_fork_that_fails_is_told(self):
        text = "import resource, os, _socket, threading; resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))\n"
        # Root has no such limit; who it becomes may be unable to read the shim's files.
        text += "if os.getuid() == 0: os.setuid(65534)\n" + _textwrap(_APP)
        os.chmod(self.dir, 0o755)
        template = self.template(text).start()
        with self.assertRaisesRegex(AssertionError, "temporarily unavailable"):
            self.forked(template)
        self.assertTrue(alive(template.pid))

    def test_threads_of_the_import_are_told(self):
        template = self.template(
            "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), name='ticker', daemon=True).start()\n"
            + _textwrap(_APP)
        )
        template.start()
        kind, _, _, payload = template.frame()
        record = unpack(payload)
        self.assertEqual((kind, record["level"], record["event"]), (frames.LOG, "warn", "preload_threads"))
        self.assertIn("ticker", record["message"])
        self.assertEqual(self.forked(template).start().get().status, "200 OK")

    def test_no_warning_without_threads(self):
        template = self.template().start()
        self.forked(template).start()
        self.assertTrue(template.silent())

    def test_output_that_waits_is_not_written_twice(self):
        template = self.template("print('half a line', end='')\n" + _textwrap(_APP)).start()
        for _ in range(2):
            worker = self.forked(template).start()
            worker.send(_request(1, "/exit"))
            worker.wait()
            for drainer in worker._drainers:
                drainer.join()  # all of its output is here
            self.assertEqual(worker._output, b"")
        self.assertEqual(template.output("half a line").count("half a line"), 1)

    def test_random_numbers_differ(self):
        text = """
            import random
            random.seed(1)
            def app(environ, start_response):
                start_response("200 OK", [])
                return [repr(random.random()).encode()]
            """
        template = self.template(text).start()
        seen = {self.forked(template).start().get().body for _ in range(3)}
        self.assertEqual(len(seen), 3)

    def test_what_was_there_is_frozen(self):
        text = """
            import gc
            def app(environ, start_response):
                start_response("200 OK", [])
                return [str(gc.get_freeze_count()).encode()]
            """
        template = self.template(text).start()
        for worker in (self.forked(template).start(), self.worker(text)):
            self.assertGreater(int(worker.get().body), 1000)

    def test_an_app_that_cannot_be_imported(self):
        template = self.template("raise ValueError('no such shop')\n")
        message = template.boot()
        self.assertFalse(template.ready)
        self.assertIn("no such shop", message["message"])
        self.assertEqual(template.wait(), 3)

    def test_without_fd_3(self):
        template = self.template(control=False)
        message = template.boot()
        self.assertEqual(message["kind"], "preload")
        self.assertIn("file descriptor 3", message["message"])
        self.assertEqual(template.wait(), 3)


class OnFork(WorkerTest):
    def test_without_preload_once_before_the_first_request(self):
        worker = self.worker(_APP)
        pid, _, calls, _, _ = eval(worker.get().body)
        self.assertEqual([call[0] for call in calls], [pid])
        self.assertEqual(len(eval(worker.get(2, PATH_INFO="/late").body)[2]), 2)  # at once

    def test_one_that_raises_is_a_boot_failure(self):
        text = """
            import standpipe_shim
            def connect():
                raise OSError("no database")
            standpipe_shim.on_fork(connect)
            def app(environ, start_response):
                pass
            """
        peer = self.peer(text)
        message = peer.boot()
        self.assertFalse(peer.ready)
        self.assertIn("on_fork failed: web.py:4: OSError: no database", message["message"])
        self.assertEqual(peer.wait(), 3)


if sys.implementation.name != "cpython":

    class Elsewhere(WorkerTest):
        def test_refused(self):
            peer = self.peer(_APP, env={"STANDPIPE_TEMPLATE": "1"})
            message = peer.boot()
            self.assertEqual(message["kind"], "preload")
            self.assertIn("CPython", message["message"])
            self.assertEqual(peer.wait(), 3)


def _textwrap(text):
    import textwrap

    return textwrap.dedent(text)


def _request(stream, path):
    from peer import environ, request_frame

    return request_frame(stream, environ(PATH_INFO=path))


def _fds(pid):
    return sorted(_links(pid))


def _links(pid):
    """Returns the descriptors of a process but the one of libffi, which from 3.5 on keeps its own file open for what it maps of it."""
    found = {}
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            link = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        except FileNotFoundError:
            continue  # closed meanwhile
        if not os.path.basename(link).startswith("libffi.so"):
            found[int(fd)] = link
    return found


if __name__ == "__main__":
    unittest.main()
