"""The life of a worker from its first descriptor to its last answer: take the pipes, say Hello, boot, serve.

Exit status: 0 fd 0 has ended and all answers are out; 3 the worker could not start (not started by standpipe, no pipes, Failed); 4
what came on fd 0 was no frame; 70 a forked child that came back from the app."""

import gc
import os
import sys
import time

from . import frameworks, run_hooks
from .boot import Failure, stdio
from .boot.signals import Signals
from .core import control, importing, levels, output
from .core.frames import BOOT, HELLO, READY, ProtocolError, Reader, Writer, frame
from .core.packing import BadValue, pack, unpack
from .core.worker import Worker

_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}

# Boot's keys, each with the value that an absent one stands for.
_BOOT = {"name": "", "app": "", "dir": "", "found": "", "tag": "", "threads": 1, "gevent": 0, "worker": 0, "generation": 1}
_BOOT.update({"timeout_ms": 0, "prefetch": 0, "candidates": [], "pythonpath": [], "health": [], "environ": {}, "watch": False, "named": ""})
_BOOT.update({"dev": False, "debug": False})

# What is imported after the app, whose import may change the user, and after Ready.
_LATER = {
    "boot": "callables failures shape",
    "core": "body callbacks files interrupt memory pairs public purging report streams threads unusual waits",
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
        _refuse("this is the program of standpipe's workers; start it by: standpipe serve")
    try:
        pipes = stdio.take()
    except OSError as error:
        _refuse("a worker needs its stdin and stdout as pipes: %s" % error)
    _hide_launcher()
    title = stdio.take_title()
    signals = Signals(pipes, lambda frame: worker.on_interrupt(frame))
    worker = Worker(pipes, signals)
    worker.preload = preload
    signals.hook()
    begin(worker, start, shim_hash)
    try:
        boot = read_boot(worker.reader)
        if boot is None:
            return
        prepared = load(worker, boot)
        if preload:
            from .boot import template

            watch(worker, boot)
            worker.put(worker.greeting)
            start = template.wait(worker, prepared)
            if start is None:
                signals.end()
                return
            begin(worker, start, shim_hash)  # from here on it is one of the template's workers
            boot = read_boot(worker.reader)
            if boot is None:
                return
            template.settle(worker, boot, title)
            debuggers(worker, boot)
        call_hooks(worker, boot)
        watch(worker, boot)
        freeze()
        if worker.debug is not None:
            worker.debug.finish()
        worker.put(worker.greeting)
        worker.run()
        signals.end()
    except ProtocolError as error:
        worker.out_of_step(error)


def begin(worker, start, shim_hash):
    """Takes up the pipes of worker: signals, life pipe, orders, and Hello behind the bytes of start."""
    pipes = worker.pipes
    worker.attach(Reader(pipes.requests), Writer(pipes.answers, pipes.pid, lambda: worker.leave()))
    stacks = worker.signals.install()
    life = control.arm(pipes.life)
    worker.control = control.Control(worker)
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
    boot = {}
    for key, default in _BOOT.items():
        boot[key] = value = given.get(key, default)
        if type(value) is not type(default):
            raise ProtocolError("Boot: %s is %s" % (key, type(value).__name__))
    boot["dir"] = os.path.abspath(boot["dir"])
    return boot


def load(worker, boot):
    """Loads the app; or says Failed and exits with 3. Returns what a template needs."""
    from .boot import loader
    from .core import environ, serve

    output.arm(boot["tag"])
    levels.arm()
    worker.dir = boot["dir"]
    worker.threads = boot["threads"]
    worker.greenlets = boot["gevent"]
    prepared = None
    for folder, names in _LATER.items():
        importing.keep(__package__ + "." + folder, names.split())
    sys.meta_path.insert(0, importing.Public())
    sys.modules[__package__]._running = output.current.get
    sys.modules[__package__]._purge = worker.purge
    if boot["dev"]:
        try:
            from .dev.mode import Mode

            worker.mode = Mode(boot["dir"])
        except ImportError:  # the shim came in one argument, which has no room for it
            pass
    debuggers(worker, boot)
    begin = time.monotonic()
    try:
        if worker.preload:
            from .boot import template

            prepared = template.prepare(worker.pipes)
        if worker.greenlets:
            from .boot.monkey import patch

            patch(boot)
        app, found, how = loader.load(boot)
    except Failure as failure:
        from .boot.failures import fail

        watch(worker, boot)  # the broken module will be repaired
        fail(worker, boot, failure)
    if worker.forked():
        worker.leave()
    took = time.monotonic() - begin
    worker.environs = environ.Environs(environ.base(boot, output.errors(), serve.FileWrapper), boot["timeout_ms"])
    worker.app = app
    ready = {"found": found, "how": how, "framework": "", "import_ms": int(took * 1000)}
    if frameworks.known():
        from .frameworks import questions, results

        worker.is_quick = results.is_quick
        ready["framework"] = questions.describe(app)
        mount = boot["environ"].get("SCRIPT_NAME", b"").decode("latin-1")
        files, worker.app = questions.declared(app, mount)
        answers, why = questions.answered(app, mount, boot["health"])
        more = {"static": files[:_DECLARED], "answers": answers, "answers_unknown": why}
        ready.update((key, value) for key, value in more.items() if value)
        questions.tell(worker, app, worker.threads)
    if worker.mode is not None:
        worker.app = worker.mode.around(worker.app)
    worker.greeting = frame(READY, 0, 0, pack(ready))
    return prepared


def debuggers(worker, boot):
    """Lets breakpoint() use the terminal, where Go has one. A template has no way to ask for it."""
    if boot["debug"] and not worker.preload and worker.control.passes():
        try:
            from .dev.debug import Debug
        except ImportError:  # the shim came in one argument, which has no room for it
            return
        worker.debug = Debug(worker)
        worker.debug.arm(worker.signals)


def watch(worker, boot):
    """Names the app's modules to Go, where it wants to know them: now, and in a worker after each request."""
    if boot["watch"]:
        from .boot.watch import watch

        watch(worker, bool(worker.greeting) and not worker.preload)


def call_hooks(worker, boot):
    """Calls what the app gave to on_fork; says Failed and exits with 3 when that raises."""
    try:
        run_hooks()
    except BaseException as error:
        from .boot.failures import explain, fail

        failure = explain(error, boot, "")
        failure.message = "a function given to standpipe.on_fork failed: " + failure.message
        fail(worker, boot, failure)


def freeze():
    """Takes what the app's import has made out of the work of Python's garbage collector, since it stays. PyPy has no such function."""
    if hasattr(gc, "freeze"):
        gc.collect()
        gc.freeze()


def _refuse(why):
    sys.stderr.write("standpipe: %s\n" % why)
    sys.exit(3)


def _hide_launcher():
    # The app's __main__ is an empty module: otherwise the children of multiprocessing would run the launcher again.
    module = type(sys)("__main__")
    module.__builtins__ = sys.modules["builtins"]
    module.__standpipe_launcher__ = sys.modules.get("__main__")  # kept alive: its code is still running
    sys.modules["__main__"] = module


if __name__ == "__main__":
    main()
