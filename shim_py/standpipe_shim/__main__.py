"""The worker's life from its first descriptor to its last answer: take the pipes, say Hello, boot, serve.

Exit status: 0 fd 0 has ended and all answers are out; 3 the worker could not start (not started by standpipe, no pipes,
Failed); 4 what came on fd 0 was no frame; 70 a forked child that came back from the app."""

import os
import sys
import time

from . import _begin
from .boot import stdio, title
from .boot.signals import Signals
from .core import control, levels, output
from .core.frames import BOOT, FAILED, HELLO, READY, ProtocolError, Reader, Writer, frame
from .core.packing import BadValue, pack, unpack
from .core.worker import Worker

_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}

# Boot's keys with what they mean when they are absent.
_BOOT = {
    "name": "",
    "app": "",
    "candidates": [],
    "dir": "",
    "pythonpath": [],
    "found": "",
    "threads": 1,
    "gevent": 0,
    "worker": 0,
    "generation": 1,
    "environ": {},
    "timeout_ms": 0,
    "prefetch": 0,
    "watch": False,
    "tag": "",
    "health": [],
}

_DECLARED = 4096  # folders in a Ready, at most


def main():
    nonce = os.environ.pop("STANDPIPE_NONCE", "")
    shim_hash = os.environ.pop("STANDPIPE_SHIM_HASH", "")
    preload = bool(os.environ.pop("STANDPIPE_TEMPLATE", ""))
    try:
        start = bytes.fromhex(nonce)
    except ValueError:
        start = b""
    if len(start) != 16:
        sys.stderr.write("standpipe: this is the program of standpipe's workers; start it by: standpipe serve\n")
        sys.exit(3)
    try:
        pipes = stdio.take()
    except OSError as error:
        sys.stderr.write("standpipe: a worker needs its stdin and stdout as pipes: %s\n" % error)
        sys.exit(3)
    _hide_launcher()
    named = title.take()
    signals = Signals(pipes, lambda frame: worker.on_interrupt(frame))
    worker = Worker(pipes, signals)
    worker.preload = preload
    signals.hook()
    begin(worker, start, shim_hash)
    try:
        boot = read_boot(worker.reader)
        if boot is None:
            return
        load(worker, boot)
        if preload:
            from .boot import template

            watched(worker, boot)
            worker.ready()
            start = template.wait(worker, worker.prepared)
            if start is None:
                signals.end()
                return
            begin(worker, start, shim_hash)  # here it is one of the template's workers
            boot = read_boot(worker.reader)
            if boot is None:
                return
            template.settle(worker, boot, named)
        hooked(worker, boot)
        watched(worker, boot)
        worker.ready()
        worker.run()
        signals.end()
    except ProtocolError as error:
        worker.out_of_step(error)


def begin(worker, start, shim_hash):
    """Takes up the pipes of worker: signals, life pipe, orders, and Hello behind the octets of start."""
    pipes = worker.pipes
    worker.attach(Reader(pipes.requests), Writer(pipes.answers, pipes.pid, lambda: worker.leave()))
    stacks = worker.signals.install()
    life = control.arm(pipes.life)
    worker.control = control.Control(worker, lambda stream: _stacks(worker, stream))
    if not worker.preload:  # a template reads its orders itself: a second thread would not live on in what it forks
        worker.control.start()
    hello = {
        "hash": shim_hash,
        "pid": pipes.pid,
        "python": "%d.%d.%d" % sys.version_info[:3],
        "implementation": _IMPLEMENTATIONS.get(sys.implementation.name, sys.implementation.name),
        "executable": sys.executable or "",
        "prefix": sys.prefix,
        "control": pipes.control >= 0,
        "life": life,
        "stacks": stacks,
    }
    worker.put(start + frame(HELLO, 0, 0, pack(hello)))


def read_boot(reader):
    """Returns Boot with every key present, or None when fd 0 ended before it."""
    message = reader.next()
    if message is None:
        return None
    kind, _, _, payload = message
    if kind != BOOT:
        raise ProtocolError("kind 0x%02x instead of Boot" % kind)
    try:
        given = unpack(payload)
    except BadValue as error:
        raise ProtocolError("Boot: %s" % error) from None
    if not isinstance(given, dict):
        raise ProtocolError("Boot is no map")
    boot = dict(_BOOT)
    for key, default in _BOOT.items():
        value = given.get(key, default)
        if type(value) is not type(default):
            raise ProtocolError("Boot: %s is %s" % (key, type(value).__name__))
        boot[key] = value
    boot["dir"] = os.path.abspath(boot["dir"])
    return boot


def load(worker, boot):
    """Loads the app; or says Failed and exits with 3."""
    from .boot import loader
    from .core import environ
    from .core.body import FileWrapper

    output.arm(boot["tag"])
    levels.arm()
    worker.dir = boot["dir"]
    worker.threads = boot["threads"]
    worker.greenlets = boot["gevent"]
    begin = time.monotonic()
    try:
        if worker.preload:
            from .boot import template

            worker.prepared = template.prepare(worker.pipes)
        if worker.greenlets:
            from .core.greenlets import patch

            patch(boot)
        loaded = loader.load(boot)
    except loader.Failure as failure:
        watched(worker, boot)  # the one that is broken is to be repaired
        _fail(worker, boot, failure)
    if worker.forked():
        worker.leave()
    took = time.monotonic() - begin
    keep()
    worker.environs = environ.Environs(environ.base(boot, output.errors(), FileWrapper), boot["timeout_ms"])
    from .frameworks.declared import declared
    from .frameworks.names import describe

    ready = {"found": loaded.found, "how": loaded.how, "framework": describe(loaded.app), "import_ms": int(took * 1000)}
    mount = boot["environ"].get("SCRIPT_NAME", b"").decode("latin-1")
    files, worker.app = declared(loaded.app, mount)
    if files:
        ready["static"] = files[:_DECLARED]
    if boot["health"]:
        from .frameworks.health import answered

        answers, why = answered(loaded.app, mount, boot["health"])
        if answers:
            ready["answers"] = answers
        if why:
            ready["answers_unknown"] = why
    from .frameworks.notices import tell

    tell(worker, loaded.app, boot["threads"])
    worker.greeting = frame(READY, 0, 0, pack(ready))


def keep():
    """Imports what of the shim is else imported when it is first used: the folder that it lies in may go while the worker
    serves (the end of a login session, a cleaner of /tmp)."""
    from .boot import failures, watch  # noqa: F401
    from .core import files, interrupt, memory, report  # noqa: F401
    from .frameworks import known  # noqa: F401


def watched(worker, boot):
    """Names the app's modules to Go, where it wants to know them: now, and in a worker from now on."""
    if boot["watch"]:
        from .boot.watch import Watch

        watch = Watch(worker.log)
        watch.tell()
        if not worker.preload and worker.greeting:
            watch.start()


def hooked(worker, boot):
    """Calls what the app gave to on_fork; says Failed and exits with 3 when that raises."""
    try:
        _begin()
    except BaseException as error:
        from .boot.failures import explain

        failure = explain(error, boot, "")
        failure.message = "a function given to standpipe_shim.on_fork failed: " + failure.message
        _fail(worker, boot, failure)


def _fail(worker, boot, failure):
    if worker.forked():
        worker.leave(failure.error)
    if worker.signals.stopping and isinstance(failure.error, SystemExit):
        sys.exit(0)
    traceback = ""
    if failure.error is not None:
        from .core.report import trace

        traceback = trace(failure.error)
    failed = {
        "kind": failure.kind,
        "message": failure.message[:8192],
        "file": failure.file,
        "line": failure.line,
        "traceback": traceback,
        "dir": boot["dir"],
        "sys_path": sys.path[:256],
    }
    worker.put(frame(FAILED, 0, 0, pack(failed)))
    output.flush_all()
    os._exit(3)  # sys.exit would wait for threads that the app's import has left behind


def _stacks(worker, stream):
    if worker.greenlets and worker.inbound is not None:
        return worker.inbound.stacks(worker.dir, stream)
    from .core.report import stacks

    return stacks(worker.dir, worker.thread_of(stream))


def _hide_launcher():
    # The app's __main__ is an empty module: multiprocessing's children would otherwise run the launcher again.
    module = type(sys)("__main__")
    module.__builtins__ = sys.modules["builtins"]
    module.__standpipe_launcher__ = sys.modules.get("__main__")  # kept alive: its code is still running
    sys.modules["__main__"] = module


if __name__ == "__main__":
    main()
