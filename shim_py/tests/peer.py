"""Go's side of the protocol, small: starts the real shim as a worker and talks to it over real pipes."""

import fcntl
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
import textwrap
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SHIM_DIR = os.path.dirname(HERE)
sys.path.insert(0, SHIM_DIR)

from standpipe_shim.core import frames  # noqa: E402
from standpipe_shim.core.frames import BODY, END, ERROR, FAILED, HEAD, HELLO, HOLD, LAST, LOG, READY, REQUEST, WINDOW  # noqa: E402
from standpipe_shim.core.environ import NAMES  # noqa: E402
from standpipe_shim.core.packing import pack, unpack  # noqa: E402

DEADLINE = 120  # seconds until a test that waits for something gives up: a guard against hanging, no claim about speed


def environ(**more):
    """A GET that a browser would send; values are str and travel as latin-1."""
    values = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "REQUEST_URI": "/",
        "RAW_URI": "/",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "4711",
        "HTTP_HOST": "localhost:8000",
        "wsgi.url_scheme": "http",
    }
    values.update(more)
    return {key: value.encode("latin-1") for key, value in values.items()}


def request_payload(values, body=b""):
    """A Request's payload, as Go makes it of a map of str to bytes: the names of the table by their bits."""
    known, texts, others = 0, [], dict(values)
    for bit, name in enumerate(NAMES):
        if name in values and b"\0" not in values[name]:
            known |= 1 << bit
            texts.append(others.pop(name))
    head = b"\x93\xcf" + struct.pack(">Q", known) + pack(b"\0".join(texts)) + pack(others)
    return struct.pack(">I", len(head)) + head + body


def request_frame(stream, values, body=b"", last=True):
    return frames.frame(REQUEST, LAST if last else 0, stream, request_payload(values, body))


class Answer:
    """What came back on one stream."""

    def __init__(self):
        self.status = ""
        self.headers = []
        self.body = b""
        self.error = None  # the map of an Error frame
        self.parts = []  # (kind, flags, body bytes) in their order
        self.logs = []


def spawn(argv, env, moved):
    """Starts argv as the leader of a group of its own, with moved, pairs of (descriptor here, descriptor there). Returns the pid."""
    if hasattr(os, "posix_spawn"):
        actions = [(os.POSIX_SPAWN_DUP2, fd, number) for fd, number in moved]
        return os.posix_spawn(argv[0], argv, env, file_actions=actions, setpgroup=0)
    pid = os.fork()  # PyPy
    if pid:
        return pid
    try:
        os.setpgid(0, 0)
        for fd, number in moved:
            os.dup2(fd, number)
        os.execve(argv[0], argv, env)
    finally:
        os._exit(127)


class Peer:
    """One worker. Use as a context manager: leaving kills what is left and closes all ends."""

    def __init__(self, base, app="", argv=None, env=None, control=True, life=True, stacks=True, python=sys.executable, **boot):
        self.boot_message = {"name": "shop", "app": app, "dir": base, "found": "found .venv", "environ": {}}
        self.boot_message.update(boot)
        self.nonce = os.urandom(16)
        theirs, ours = [], []

        def pipe():
            pair = os.pipe()
            ours.extend(pair)
            return pair

        requests, answers, output = pipe(), pipe(), pipe()
        self.requests, self.answers, self._output_fd = requests[1], answers[0], output[0]
        theirs = [(requests[0], 0), (answers[1], 1), (output[1], 2)]
        self.control = self.life = self.stacks = None
        if control:
            self.control, other = socket.socketpair()
            self.control.settimeout(DEADLINE)
            theirs.append((other.fileno(), 3))
        if life:
            pair = pipe()
            self.life = pair[1]
            theirs.append((pair[0], 4))
        if stacks:
            pair = pipe()
            self.stacks = pair[0]
            theirs.append((pair[1], 5))
        moved = [(fcntl.fcntl(fd, getattr(fcntl, "F_DUPFD_CLOEXEC", 1030), 50), number) for fd, number in theirs]
        child_env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        child_env["PYTHONDONTWRITEBYTECODE"] = "1"  # a test may write two apps of one size in one second
        child_env.update(env or {})
        child_env.setdefault("STANDPIPE_NONCE", self.nonce.hex())
        child_env.setdefault("STANDPIPE_SHIM_HASH", "abcd")
        argv = argv or [python, SHIM_DIR]
        before = os.getcwd()
        os.chdir(base)
        try:
            self.pid = spawn(argv, child_env, moved)
        finally:
            os.chdir(before)
            for fd, _ in moved:
                os.close(fd)
            for fd, _number in theirs:
                if fd in ours:
                    os.close(fd)
            if control:
                other.close()
        self._fds = [self.requests] + [fd for fd in (self.life, self.stacks) if fd is not None]
        self._held = b""
        self._status = None
        self._output = b""
        self._came = threading.Condition()
        self._ended = False  # the worker's stdout
        self._drainers = [threading.Thread(target=self._drain), threading.Thread(target=self._drain_answers)]
        for drainer in self._drainers:
            drainer.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.wait()
        for fd in self._fds:
            os.close(fd)
        self._fds = []
        if self.control is not None:
            self.control.close()
        for drainer in self._drainers:
            drainer.join()
        os.close(self._output_fd)
        os.close(self.answers)

    def _drain(self):
        while True:
            got = os.read(self._output_fd, 65536)
            if not got:
                return
            self._output += got

    def _drain_answers(self):
        # Like Go, which always drains fd 1: a worker that cannot write cannot read either.
        while True:
            got = os.read(self.answers, 1 << 20)
            with self._came:
                self._held += got
                self._ended = not got
                self._came.notify_all()
            if not got:
                return

    def output(self, wanted="", times=1):
        """Returns what the app wrote, once wanted is in it so many times (or the deadline has passed)."""
        until(lambda: self._output.count(wanted.encode()) >= times)
        return self._output.decode("utf-8", "replace")

    def rest(self):
        """Waits until all that an ended worker wrote is here (or the deadline has passed)."""
        until(lambda: not self._drainers[0].is_alive())

    def close_end(self, fd):
        self._fds.remove(fd)
        os.close(fd)

    def wait(self):
        """Waits for the worker's end and returns its status: >= 0 exit, < 0 signal."""
        if self._status is None:

            def gone():
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self._status = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                return pid

            if not until(gone):
                raise AssertionError("the worker did not end; it wrote: %r" % self._output)
        return self._status

    # Frames.

    def send(self, raw):
        rest = memoryview(raw)
        while rest:
            rest = rest[os.write(self.requests, rest) :]

    def read(self, size):
        with self._came:
            if not self._came.wait_for(lambda: len(self._held) >= size or self._ended, DEADLINE):
                raise AssertionError("no frame came; the worker wrote: %r" % self._output)
            if len(self._held) < size:
                raise EOFError("the worker's stdout has ended; it wrote: %r" % self._output)
            taken, self._held = self._held[:size], self._held[size:]
        return taken

    def frame(self):
        """Returns the next (kind, flags, stream, payload)."""
        magic, kind, flags, stream, length = struct.unpack(">BBHII", self.read(12))
        frames.check(magic, kind, flags, length)
        return kind, flags, stream, self.read(length)

    def silent(self, seconds=0.3):
        """Says whether no frame comes for a while."""
        with self._came:
            return not self._came.wait_for(lambda: self._held or self._ended, seconds)

    def hello(self):
        """Reads up to the nonce and Hello. Keeps what came before as self.noise."""
        self.noise = b""
        while not self.noise.endswith(self.nonce):
            self.noise += self.read(1)
        self.noise = self.noise[:-16]
        kind, _, _, payload = self.frame()
        assert kind == HELLO, kind
        return unpack(payload)

    def boot(self):
        """Hello, Boot, and the map of Ready or Failed."""
        self.said = self.hello()
        self.send(frames.frame(frames.BOOT, 0, 0, pack(self.boot_message)))
        kind, _, _, payload = self.frame()
        assert kind in (READY, FAILED), kind
        self.ready = kind == READY
        return unpack(payload)

    def start(self):
        """Boots and returns self; the app must come up."""
        message = self.boot()
        if not self.ready:
            raise AssertionError("%(message)s\n%(traceback)s" % message)
        return self

    def answer(self, stream, credit=True):
        """Reads one stream's answer to its end; frames of other streams are an error. credit: give it as bytes come."""
        answer = Answer()
        while True:
            kind, flags, number, payload = self.frame()
            if kind == LOG:
                answer.logs.append(unpack(payload))
                continue
            assert number == stream, (kind, number)
            if self.take(answer, kind, flags, payload):
                return answer
            if credit and answer.parts[-1][2]:
                self.window(stream, len(answer.parts[-1][2]))

    @staticmethod
    def take(answer, kind, flags, payload):
        """Adds a frame to answer and says whether it was the last."""
        if kind == HEAD:
            (size,) = struct.unpack(">I", payload[:4])
            status, fields, *length = unpack(payload[4 : 4 + size])
            answer.length = length[0] if length else None
            answer.status = status.decode("latin-1")
            texts = [raw.decode("latin-1") for raw in fields]
            answer.headers = list(zip(texts[::2], texts[1::2]))
            payload = payload[4 + size :]
        elif kind == ERROR:
            answer.error = unpack(payload)
            payload = b""
        answer.parts.append((kind, flags, payload))
        answer.body += payload
        return not flags & HOLD and (kind in (END, ERROR) or bool(flags & LAST))

    @staticmethod
    def raw(kind, payload):
        """Returns how many bytes of body there are in a Head or a Body."""
        return len(payload) if kind == BODY else len(payload) - 4 - struct.unpack_from(">I", payload)[0]

    def window(self, stream, raw):
        try:
            self.send(frames.frame(WINDOW, 0, stream, struct.pack(">I", raw)))
        except BrokenPipeError:
            pass

    def get(self, stream=1, body=b"", **values):
        """One request that travels whole, and its answer."""
        self.send(request_frame(stream, environ(**values), body))
        return self.answer(stream)

    # Orders.

    def order(self, kind, stream=0, payload=b""):
        self.control.sendall(frames.frame(kind, 0, stream, payload))

    def recall(self, *streams):
        """Recalls streams, and returns those that never will run."""
        self.order(frames.RECALL, 0, struct.pack(">%dI" % len(streams), *streams))
        kind, payload = self.control_payload()
        assert kind == frames.RECALLED, kind
        return list(struct.unpack(">%dI" % (len(payload) // 4), payload))

    def control_frame(self):
        kind, payload = self.control_payload()
        return kind, unpack(payload)

    def control_payload(self):
        held = b""
        while len(held) < 12:
            got = self.control.recv(12 - len(held))
            if not got:
                raise EOFError("fd 3 has ended; the worker wrote: %r" % self._output)
            held += got
        _, kind, _, _, length = struct.unpack(">BBHII", held)
        payload = b""
        while len(payload) < length:
            payload += self.control.recv(length - len(payload))
        return kind, payload


def until(condition, seconds=DEADLINE):
    """Polls condition and returns what it last said."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.005)


def alive(pid):
    """Says whether a process is there and not a zombie."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class WorkerTest(unittest.TestCase):
    """A test with a project folder of its own."""

    def setUp(self):
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="standpipe-test-"))
        self.addCleanup(shutil.rmtree, self.dir, True)

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(textwrap.dedent(text))
        return path

    def peer(self, text=None, app="web:app", **options):
        """A worker for the app in text, not booted yet."""
        if text is not None:
            self.file("web.py", text)
        peer = Peer(self.dir, app, **options)
        self.addCleanup(peer.__exit__)
        return peer

    def worker(self, text=None, app="web:app", **options):
        return self.peer(text, app, **options).start()
