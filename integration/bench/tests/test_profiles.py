"""What a sample is counted as, and where the figures go."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import goprofile
import kernel
import profiles

TRACES = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "testdata", "traces.txt"
)  # of go tool pprof -traces, a few stacks for each class

WRITE = ["internal/runtime/syscall/linux.Syscall6", "syscall.RawSyscall6", "syscall.Syscall", "syscall.write", "syscall.Write"]
MODULE = "github.com/standpipe/standpipe/"
HANDLER = [MODULE + "bridge.(*Handler).ServeHTTP", "net/http.serverHandler.ServeHTTP", "net/http.(*conn).serve"]

PERF = """
\tffffffff813a4413 finish_task_switch.isra.0
\tffffffff821fb643 schedule
\tffffffff816c88b6 anon_pipe_read
\tffffffff816bae9c vfs_read
\tffffffff821ef691 do_syscall_64
\t           f82ec read
\t    7f9a5a66bc6c [unknown]


\t          12c4eb _PyEval_EvalFrameDefault
\t        2a9cdf70 [unknown]


\tffffffff81f2a1b0 tcp_v4_rcv
\tffffffff81f0c0de __local_bh_enable_ip
\tffffffff81f1d2a1 tcp_sendmsg
\tffffffff81dd6ab0 sock_write_iter
\tffffffff816bb0e1 vfs_write
\t          4a51ee [unknown]


\tffffffff81001a2b entry_SYSCALL_64_after_hwframe
\t           f8340 __GI___libc_write
"""


class Go(unittest.TestCase):
    def test_a_recorded_profile(self):
        with open(TRACES) as f:
            counts = goprofile.count(f.read())
        self.assertEqual(
            counts,
            {
                "write to the client": 6,
                "read from the client": 2,
                "write to the worker's pipe": 2,
                "read from the pipe": 2,
                "epoll": 3,
                "futex and scheduler": 2,
                "garbage collection, allocation, stacks": 2,
                "accept and close of connections": 2,
                "protocol: net/http's or uwsgi's own": 1,
                "static files": 9,
                "access log": 2,
                "bridge": 1,
                "shim": 1,
                "supervisor": 2,
                "rest": 1,
            },
        )

    def test_the_start_does_not_count(self):
        text = (
            "-----------+----\n      30ms   runtime.mallocgc\n             main.serve\n             main.main\n             runtime.main\n"
        )
        self.assertEqual(list(goprofile.stacks(text)), [(3, ["runtime.mallocgc", "main.serve", "main.main", "runtime.main"])])
        self.assertEqual(sum(goprofile.count(text).values()), 0)

    def test_the_same_system_call_counts_for_whom_it_is_made(self):
        for above, class_ in (
            (["internal/poll.(*FD).Write", "net.(*netFD).Write", "net.(*conn).Write", "bufio.(*Writer).Flush"], goprofile.WRITE),
            (
                [
                    MODULE + "shim.writeNow.func1",
                    "internal/poll.(*FD).RawWrite",
                    MODULE + "shim.(*writer).flush",
                    MODULE + "bridge.(*turn).send",
                ],
                goprofile.PIPE_WRITE,
            ),
            (["internal/poll.(*FD).Write", "os.(*File).Write", MODULE + "cmd/internal/logfile.(*Outlet).run"], goprofile.LOG),
            (["internal/poll.(*FD).Write", "os.(*File).Write", MODULE + "bridge/httpx.(*Buffer).spill"], goprofile.BRIDGE),
        ):
            self.assertEqual(goprofile.classify(WRITE + above + HANDLER), class_)

    def test_http1_makes_its_system_calls_itself(self):
        own = [MODULE + "bridge/http1.(*conn).readFirst", "internal/poll.(*FD).RawRead", MODULE + "bridge/http1.(*conn).first"]
        enter = ["internal/runtime/syscall/linux.Syscall6", "syscall.Syscall"]
        for call, class_ in (
            (["syscall.read", "syscall.Read"], goprofile.READ),
            (["golang.org/x/sys/unix.Writev"], goprofile.WRITE),
            (["syscall.Sendfile"], goprofile.WRITE),
            (["syscall.fcntl"], goprofile.PROTOCOL),
        ):
            self.assertEqual(goprofile.classify(enter + call + own), class_, call)

    def test_the_innermost_counts(self):
        for stack, class_ in (
            (["runtime.memmove", "runtime.growslice", MODULE + "shim.AppendRequest"] + HANDLER, goprofile.MEMORY),
            (["runtime.mapaccess1_faststr", "net/http.Header.get", MODULE + "bridge/cgi.AppendVars"] + HANDLER, goprofile.PROTOCOL),
            (["runtime.netpoll", "runtime.findRunnable", "runtime.schedule", "runtime.mcall"], goprofile.EPOLL),
            (["runtime.findRunnable", "runtime.schedule", "runtime.mcall"], goprofile.SCHEDULER),
            (["runtime.lock2", "runtime.chansend", MODULE + "supervisor.(*Pool).serveLine"], goprofile.SCHEDULER),
            (["runtime.netpollopen", "internal/poll.(*FD).Init", "net.(*netFD).accept"], goprofile.CONNECTIONS),
            (["runtime.nanotime1"], goprofile.REST),
        ):
            self.assertEqual(goprofile.classify(stack), class_, stack)


class Kernel(unittest.TestCase):
    def test_samples(self):
        self.assertEqual(kernel.count(PERF), {kernel.PIPE_READ: 1, kernel.USER: 1, kernel.TCP_WRITE: 1, kernel.OTHER: 1})

    def test_calls(self):
        text = "# started\n\n91680;;raw_syscalls:sys_enter;407235696;100.00;;\n22805;;syscalls:sys_enter_write;407235696;100.00;;\n<not counted>;;syscalls:sys_enter_read;0;;;\n"
        self.assertEqual(kernel.calls(text), {"all": 91680, "write": 22805})


class Page(unittest.TestCase):
    def found(self, **more):
        counts = dict.fromkeys(goprofile.CLASSES, 0)
        counts.update({goprofile.WRITE: 30, goprofile.REST: 10})
        parts = {"Go": [12.0, 8.0], "Python": [6.0, 2.0]}
        own = {"rate": 1000.0, "p50": 1.0, "p99": 2.0, "parts": parts, "go": counts}
        return {"standpipe": dict(own, **more), "peer": {"reason": "uWSGI is not installed"}}

    def test_shares_of_the_time_that_was_measured(self):
        text = profiles.tables(self.found())
        self.assertIn("| write to the client | 75.0 | 15.0 |", text)
        self.assertIn("| rest | 25.0 | 5.0 |", text)
        self.assertIn("| nginx + uWSGI: uWSGI is not installed | - | - | - |", text)
        self.assertIn("Nothing from inside the kernel", text)

    def test_perf_and_its_calls(self):
        text = profiles.tables(
            self.found(samples={"Python": {kernel.USER: 3, kernel.PIPE_READ: 1}}, calls={"Python": {"all": 2.5, "read": 1.0}})
        )
        self.assertIn("| %s | 6.0 |" % kernel.USER, text)
        self.assertIn("| read from a pipe | 2.0 |", text)
        self.assertIn("| read | 1.00 |", text)
        self.assertNotIn("| write |", text)

    def test_only_what_is_between_the_marks_is_replaced(self):
        page = "a\n<!-- figures x -->\nold\n<!-- /figures x -->\nby hand\n<!-- figures y -->\nkept\n<!-- /figures y -->\n"
        self.assertEqual(profiles.place(page, "x", "new \\1"), page.replace("old", "new \\1"))
        self.assertRaises(SystemExit, profiles.place, page, "z", "new")

    def test_the_page_has_a_place_for_each_case(self):
        with open(profiles.PAGE) as f:
            page = f.read()
        for name in ["machine"] + [name for name, _, _ in profiles.LOOKS]:
            self.assertEqual([page.count(mark) for mark in ("<!-- figures %s -->\n" % name, "<!-- /figures %s -->\n" % name)], [1, 1], name)


if __name__ == "__main__":
    unittest.main()
