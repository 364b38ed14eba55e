"""The process around the app: descriptors, output, signals, fork, life pipe, control, ways to be started."""

import os
import shutil
import signal
import subprocess
import sys
import unittest

from peer import SHIM_DIR, WorkerTest, alive, environ, frames, pack, request_frame, until

APP = """
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
"""
GATE = """
import os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
def gate(name):
    open(os.path.join(here, name + ".at"), "w").close()
    while not os.path.exists(os.path.join(here, name)):
        time.sleep(0.005)
"""


def ok(body, before=""):
    lines = body.strip("\n").split("\n")
    return (
        GATE
        + before
        + "\ndef app(environ, start_response):\n"
        + "".join("    %s\n" % line for line in lines)
        + "    start_response('200 OK', [])\n    return [str(result).encode()]\n"
    )


class Process(WorkerTest):
    def path(self, name):
        return os.path.join(self.dir, name)

    def reached(self, name):
        self.assertTrue(until(lambda: os.path.exists(self.path(name + ".at"))), name)

    # The start.

    def test_hello(self):
        worker = self.worker(APP)
        said = worker.said
        self.assertEqual(said["python"], "%d.%d.%d" % sys.version_info[:3])
        self.assertEqual((said["hash"], said["pid"]), ("abcd", worker.pid))
        self.assertEqual(said["executable"], sys.executable)
        self.assertEqual((said["control"], said["stacks"]), (True, True))
        self.assertEqual(said["life"], sys.platform.startswith("linux"))

    def test_hello_comes_before_the_app_is_imported(self):
        worker = self.peer(GATE + "gate('import')\n" + APP)
        worker.hello()
        worker.send(frames.frame(frames.BOOT, 0, 0, pack(worker.boot_message)))
        self.reached("import")
        self.assertTrue(worker.silent(0.1))
        self.file("import", "")
        self.assertEqual(worker.frame()[0], frames.READY)

    def test_without_control_life_and_stacks(self):
        worker = self.worker(APP, control=False, life=False, stacks=False)
        self.assertEqual([worker.said[key] for key in ("control", "life", "stacks")], [False] * 3)
        self.assertEqual(worker.get().body, b"hello")
        worker.close_end(worker.requests)
        self.assertEqual(worker.wait(), 0)

    def test_secrets_are_gone_and_the_rest_stays(self):
        text = ok("result = sorted((k, v) for k, v in os.environ.items() if k.startswith('STANDPIPE'))")
        worker = self.worker(text, env={"STANDPIPE_WORKER": "2", "STANDPIPE_GENERATION": "7"})
        self.assertEqual(worker.get().body, b"[('STANDPIPE_GENERATION', '7'), ('STANDPIPE_WORKER', '2')]")

    def test_ways_to_start(self):
        program = self.file("standpipe-bootstrap.py", bootstrap() or "")
        self.file("web.py", ok("import standpipe_shim; result = standpipe_shim.__version__, sorted(sys.modules['__main__'].__dict__)"))
        ways = [[sys.executable, SHIM_DIR], [sys.executable, os.path.join(SHIM_DIR, "__main__.py")]]
        if os.path.getsize(program):
            with open(program) as source:
                ways.append([sys.executable, "-c", source.read()])
        ways += [[way[0], "-I"] + way[1:] for way in ways]
        for way in ways:
            with self.subTest([part[:60] for part in way]):
                worker = self.worker(None, argv=way)
                self.assertTrue(worker.get().body.startswith(b"('0."))
                self.assertIn("1 / 0", self.error_of(way)["traceback"])

    def test_the_bundle(self):
        folder = os.path.join(self.dir, "shim-abcd")
        shutil.copytree(SHIM_DIR, folder, ignore=lambda _, names: [name for name in names if name in ("tests", "__pycache__")])
        cache = os.path.join(folder, "__pycache__")
        os.mkdir(cache)
        text = ok(
            "import standpipe_shim.__main__, standpipe_shim.core.report as late; result = [type(m.__loader__).__name__ for m in (standpipe_shim.__main__, late)]"
        )
        self.file("web.py", text)
        way = [sys.executable, os.path.join(folder, "__main__.py")]

        def start(wanted, **env):
            worker = self.worker(None, argv=way, env=env)
            self.assertEqual(worker.get().body, str([wanted] * 2).encode())
            worker.close_end(worker.requests)
            self.assertEqual(worker.wait(), 0)

        def bundle():
            (name,) = os.listdir(cache)
            return os.path.join(cache, name)

        start("SourceFileLoader", STANDPIPE_SHIM_HASH="abce")
        self.assertEqual(os.listdir(cache), [])
        start("_Bundle")
        with open(bundle(), "rb") as file:
            whole = file.read()
        start("_Bundle")
        self.assertIn("1 / 0", self.error_of(way)["traceback"])
        for broken in (b"", whole[:1000], b"\0\0\0\0" + whole[4:], whole.replace(folder.encode(), folder.encode()[:-1] + b"x", 1)):
            with open(bundle(), "wb") as file:
                file.write(broken)
            start("_Bundle")
            with open(bundle(), "rb") as file:
                again = file.read()
            self.assertTrue(again.startswith(whole[:4]) and folder.encode() in again[:500] and len(again) > 100000)
        shutil.rmtree(folder + "/standpipe_shim")  # by a cleaner of /tmp: the bundle has all
        start("_Bundle")

    def error_of(self, way):
        self.file("bad.py", "def app(environ, start_response):\n    1 / 0\n")
        error = self.worker(None, "bad:app", argv=way).get().error
        self.assertNotIn("standpipe_shim", error["traceback"])
        return error

    def test_nowhere_to_write(self):
        program = bootstrap()
        if not program:
            self.skipTest("missing program: go")
        self.file("web.py", APP)
        os.chmod(self.dir, 0o555)
        worker = self.worker(None, argv=[sys.executable, "-c", program], env={"HOME": "/nonexistent", "TMPDIR": "/nonexistent"})
        self.assertEqual(worker.get().body, b"hello")

    def test_too_old(self):
        found = 0
        for name in ("2.7.18", "3.6.15", "3.7.16"):
            python = os.path.expanduser("~/.pyenv/versions/%s/bin/python" % name)
            if not os.path.exists(python):
                continue
            for args in ([SHIM_DIR], ["-c", bootstrap()]):
                if not args[-1]:
                    continue
                found += 1
                done = subprocess.run([python] + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.assertEqual(done.returncode, 3)
                self.assertEqual(done.stderr.decode(), "standpipe: %s is Python %s; standpipe needs Python 3.8 or newer\n" % (python, name))
        if not found:
            self.skipTest("missing program: a Python older than 3.8")

    def test_run_by_hand(self):
        done = subprocess.run([sys.executable, SHIM_DIR], stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"standpipe serve", done.stderr)

    def test_noise_before_the_nonce(self):
        self.file("sitecustomize.py", "import os\nprint('by print')\nos.write(1, b'by write\\n')\n")
        worker = self.worker(APP, env={"PYTHONPATH": self.dir})
        if b"by write" not in worker.noise:
            self.skipTest("this interpreter has a sitecustomize of its own")
        self.assertEqual(worker.noise, b"by write\n")
        self.assertIn("by print", worker.output("by print"))  # it stood in a buffer until descriptor 1 was the log

    # Descriptors and output.

    def test_all_output_goes_to_the_log(self):
        text = ok(
            """
import ctypes, subprocess
print("printed \\u20ac \\udcff")
print("no newline", end="")
sys.stdout.flush()
os.write(1, b"\\nwritten\\n")
os.system("echo by a shell")
subprocess.call([sys.executable, "-c", "print('by a child')"])
subprocess.call("echo on stderr >&2", shell=True)
libc = ctypes.CDLL(None)
libc.puts(b"by C")
libc.fflush(None)
result = repr(sys.stdin.read()) + repr(os.read(0, 1)) + subprocess.check_output("cat", shell=True).decode()
""",
            before="print('at import')\n",
        )
        worker = self.worker(text)
        self.assertEqual(worker.get().body, b"''b''")
        out = worker.output("by C")
        for line in ("at import", "printed \u20ac \\udcff", "no newline", "written", "by a shell", "by a child", "on stderr", "by C"):
            self.assertIn(line + "\n", out)

    def test_a_print_without_newline_is_out_when_the_request_is_over(self):
        worker = self.worker(ok("print('half', end='')\nresult = 1"))
        worker.get()
        self.assertIn("half", worker.output("half"))

    def test_children_get_no_descriptor_of_ours(self):
        if not os.path.isdir("/proc/self/fd"):
            self.skipTest("missing: /proc")
        text = ok("import subprocess\nresult = subprocess.check_output(['ls', '/proc/self/fd'], close_fds=False).decode()")
        got = self.worker(text).get().body
        handed_on = {int(fd) for fd in os.listdir("/proc/self/fd") if inherited(int(fd))} - {0, 1, 2, 3}
        found = {int(fd) for fd in got.split()} - handed_on  # by the process that runs this test
        self.assertEqual(found, {0, 1, 2, 3})  # 3 is the folder that ls reads

    # Signals.

    def test_sigterm_and_sigint_mean_nothing_before_stop(self):
        worker = self.worker(ok("gate('gate')\nresult = 1"))
        worker.send(request_frame(1, environ()))
        self.reached("gate")
        for _ in range(3):
            os.kill(worker.pid, signal.SIGTERM)
            os.kill(worker.pid, signal.SIGINT)
        self.file("gate", "")
        self.assertEqual(worker.answer(1).body, b"1")
        os.kill(worker.pid, signal.SIGTERM)
        os.kill(worker.pid, signal.SIGINT)
        self.assertEqual(worker.get(stream=2).body, b"1")

    def test_sigterm_after_stop_ends_the_view(self):
        worker = self.worker(ok("gate('gate')\nresult = 1"))
        worker.send(request_frame(1, environ()))
        self.reached("gate")
        worker.order(frames.STOP)
        worker.order(frames.DUMP, 1)
        worker.control_frame()  # it has read what came before
        worker.close_end(worker.requests)
        os.kill(worker.pid, signal.SIGTERM)
        self.assertEqual(worker.answer(1).error["type"], "SystemExit")
        self.assertEqual(worker.wait(), 0)

    def test_the_end_of_fd_0_lets_the_view_finish(self):
        worker = self.worker(ok("gate('gate')\nresult = 1", before="import atexit; atexit.register(print, 'at exit')\n"))
        worker.send(request_frame(1, environ()))
        self.reached("gate")
        worker.order(frames.STOP)
        worker.close_end(worker.requests)
        self.file("gate", "")
        self.assertEqual(worker.answer(1).body, b"1")
        self.assertEqual(worker.wait(), 0)
        self.assertIn("at exit", worker.output("at exit"))

    def test_children_have_default_handlers(self):
        worker = self.worker(
            ok(
                """
import subprocess, signal
codes = []
for number in (signal.SIGTERM, signal.SIGINT):
    child = subprocess.Popen(["sleep", "1000"])
    child.send_signal(number)
    codes.append(child.wait())
r, w = os.pipe()
pid = os.fork()
if not pid:
    os.write(w, b"x")
    signal.pause()
os.read(r, 1)
os.kill(pid, signal.SIGTERM)
result = codes, os.WTERMSIG(os.waitpid(pid, 0)[1])
"""
            )
        )
        self.assertEqual(worker.get().body, b"([-15, -2], 15)")

    # fork and multiprocessing.

    def test_a_signal_in_the_instant_of_a_fork_is_not_lost(self):
        worker = self.worker(
            ok(
                """
import signal
codes = set()
for _ in range(200):
    pid = os.fork()
    if not pid:
        time.sleep(20)
        os._exit(1)
    os.kill(pid, signal.SIGTERM)  # the child may not have run a line of Python yet
    codes.add(os.waitpid(pid, 0)[1])
mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
result = sorted(codes), sorted(mask)
"""
            )
        )
        self.assertEqual(worker.get().body, b"([15], [])")

    def test_a_forked_child_that_returns_ends_with_70(self):
        for threads in (1, 2):
            worker = self.worker(
                ok(
                    """
pid = os.fork()
if pid:
    result = os.WEXITSTATUS(os.waitpid(pid, 0)[1])
else:
    result = "child"
"""
                ),
                threads=threads,
            )
            for stream in (1, 2, 3):
                self.assertEqual(worker.get(stream=stream).body, b"70")
            self.assertEqual(worker.output("it ends here", times=3).count("it ends here"), 3)

    def test_a_forked_child_may_exit_or_raise(self):
        worker = self.worker(
            ok(
                """
codes = []
for how in (lambda: sys.exit(5), lambda: sys.exit(), lambda: os._exit(9), lambda: 1 / 0):
    pid = os.fork()
    if not pid:
        how()
    codes.append(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
result = codes
"""
            )
        )
        self.assertEqual(worker.get().body, b"[5, 0, 9, 70]")

    def test_a_forked_generator(self):
        worker = self.worker(
            """
            import os
            def app(environ, start_response):
                start_response("200 OK", [])
                yield b"a"
                pid = os.fork()
                yield b"parent" if pid else b"child"
                if pid:
                    yield str(os.WEXITSTATUS(os.waitpid(pid, 0)[1])).encode()
            """
        )
        self.assertEqual(worker.get().body, b"aparent70")

    def test_a_forked_child_holds_no_pipe(self):
        worker = self.worker(
            ok(
                """
if not os.fork():
    gate("gate")
    os._exit(0)
result = 1
"""
            )
        )
        worker.get()
        self.reached("gate")
        worker.close_end(worker.requests)
        self.assertEqual(worker.wait(), 0)
        with self.assertRaises(EOFError):
            worker.frame()  # the end of the worker's stdout, although its child lives
        self.file("gate", "")

    def test_multiprocessing(self):
        self.file("jobs.py", "def double(n):\n    print('job', n)\n    return 2 * n\n")
        worker = self.worker(
            ok(
                """
import multiprocessing, jobs
result = []
for how in ("fork", "spawn", "forkserver"):
    with multiprocessing.get_context(how).Pool(1) as pool:
        result.append(pool.map(jobs.double, [1, 2]))
"""
            )
        )
        answer = worker.get()
        self.assertEqual((answer.error, answer.body), (None, b"[[2, 4], [2, 4], [2, 4]]"))
        out = worker.output()
        self.assertNotIn("standpipe:", out)

    # Life and control.

    @unittest.skipUnless(sys.platform.startswith("linux"), "needs Linux")
    def test_the_life_pipe_kills_the_group(self):
        loop = "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\nwith open(os.path.join(here, 'child'), 'w') as f: f.write(str(child.pid))\n"
        for stuck in ("time.sleep(1000)", "sum(range(10 ** 12))", "while True: pass"):
            with self.subTest(stuck):
                worker = self.worker(ok(loop + "gate('gone')\n" + stuck + "\nresult = 0"), control=False)
                worker.send(request_frame(1, environ()))
                self.reached("gone")
                self.file("gone", "")
                with open(self.path("child")) as source:
                    child = int(source.read())
                worker.close_end(worker.life)
                self.assertEqual(worker.wait(), -signal.SIGKILL)
                self.assertTrue(until(lambda: not alive(child)))
                os.remove(self.path("gone"))
                os.remove(self.path("gone.at"))

    def test_a_life_pipe_that_ended_before_it_was_armed(self):
        worker = self.peer(APP, control=False)
        worker.close_end(worker.life)
        self.assertEqual(worker.wait(), -signal.SIGKILL if sys.platform.startswith("linux") else 0)

    def test_the_end_of_control_kills_the_group(self):
        worker = self.worker(ok("import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\nresult = child.pid"), life=False)
        child = int(worker.get().body)
        self.assertTrue(alive(child))
        worker.control.close()
        self.assertEqual(worker.wait(), -signal.SIGKILL)
        self.assertTrue(until(lambda: not alive(child)))

    def test_dump(self):
        worker = self.worker(ok("def inner():\n    gate('gate')  # the stuck line\ninner()\nresult = 1"))
        worker.send(request_frame(1, environ()))
        self.reached("gate")
        worker.order(frames.DUMP)
        kind, text = worker.control_frame()
        self.assertEqual(kind, frames.STACKS)
        self.assertIn("in inner: gate('gate')  # the stuck line", text)
        self.assertIn("  web.py:", text)
        self.assertLess(text.index("in app"), text.index("in inner"))
        self.assertNotIn("standpipe_shim", text)
        self.assertNotIn("__main__.py", text)
        self.file("gate", "")
        self.assertEqual(worker.answer(1).body, b"1")

    def test_sigusr2_writes_stacks_even_with_the_gil_held(self):
        worker = self.worker(ok("gate('gone')\nsum(range(10 ** 12))\nresult = 1"))
        worker.send(request_frame(1, environ()))
        self.reached("gone")
        self.file("gone", "")
        text = b""

        def stuck():
            nonlocal text
            os.kill(worker.pid, signal.SIGUSR2)
            text = b""
            while b'web.py", line' not in text or not text.endswith(b"\n") or b"in run" not in text:
                text += os.read(worker.stacks, 65536)
            return b"in gate" not in text

        self.assertTrue(until(stuck))
        self.assertIn(b"in app", text)

    def test_nonsense_on_fd_0_ends_the_worker(self):
        for raw in (b"GET / HTTP/1.1\r\n\r\n", frames.frame(frames.END, 0, 1), frames.frame(frames.REQUEST, 1, 1, b"\0\0\0\xff\x80")):
            for threads in (1, 2):
                worker = self.worker(APP, threads=threads)
                worker.send(raw)
                self.assertEqual(worker.wait(), 4)
                self.assertIn("out of step", worker.output("out of step"))

    def test_bad_boot(self):
        for payload in (b"", b"\xc1", pack([]), pack({"threads": "1"}), pack({"environ": []})):
            worker = self.peer(APP)
            worker.hello()
            worker.send(frames.frame(frames.BOOT, 0, 0, payload))
            self.assertEqual(worker.wait(), 4)

    def test_the_shim_imports_little(self):
        worker = self.worker(
            ok(
                "result = sorted({'enum', 're', 'threading', 'socket', 'logging', 'traceback', 'inspect', 'typing', 'signal', 'ast'} & set(sys.modules))"
            ),
            argv=[sys.executable, os.path.join(SHIM_DIR, "__main__.py")],  # a folder would bring in runpy, and on 3.9 typing by it
        )
        bare = subprocess.check_output([sys.executable, "-c", "import sys; print(sorted(sys.modules))"]).decode()
        got = worker.get().body.decode()
        for name in ("enum", "re", "threading", "socket", "logging", "traceback", "inspect", "typing", "signal", "ast"):
            if "'%s'" % name not in bare:
                self.assertNotIn("'%s'" % name, got)


def inherited(fd):
    try:
        return os.get_inheritable(fd)
    except OSError:  # the folder that was listed
        return False


def bootstrap():
    """The -c program as Go makes it, or nothing where there is no Go."""
    if "program" not in _cache:
        _cache["program"] = ""
        if shutil.which("go"):
            done = subprocess.run(
                ["go", "test", "-v", "-run", "^TestPrintBootstrap$", "."],
                cwd=SHIM_DIR,
                env=dict(os.environ, STANDPIPE_PRINT_BOOTSTRAP="1"),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            _cache["program"] = done.stdout.decode().partition("-----BEGIN\n")[2].partition("\n-----END")[0]
    return _cache["program"]


_cache = {}

if __name__ == "__main__":
    unittest.main()
