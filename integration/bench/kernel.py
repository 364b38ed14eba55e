"""What perf says of running processes: where they are, in the kernel by system call or outside of it, and how often they call it.
Without perf, or without the right to use it, there is a reason and nothing else. Linux; as root, or with perf_event_paranoid at -1."""

import os
import re
import signal
import subprocess

import install
import machine

READY = 0.25  # seconds after which a look has begun: perf does not say so
PACE = 997  # samples for a second of processor time; no round figure, so that it does not beat with timers

USER, OTHER = "outside of the kernel", "other"
CLASSES = (
    USER,
    "read from a pipe",
    "write to a pipe",
    "read from a client",
    "write to a client",
    "read from a unix socket",
    "write to a unix socket",
    "connect, accept, close",
    "epoll",
    "futex",
    "sleep",
    "files",
    "page faults",
    OTHER,
)
_, PIPE_READ, PIPE_WRITE, TCP_READ, TCP_WRITE, UNIX_READ, UNIX_WRITE, CONNECTIONS, EPOLL, FUTEX, SLEEP, FILES, FAULTS, _ = CLASSES

# Of a frame the first line that matches at its beginning; the innermost frame with a line decides.
_RULES = [
    (re.compile(pattern), class_)
    for pattern, class_ in (
        (r"(anon_)?pipe_(read|release)", PIPE_READ),
        (r"(anon_)?pipe_write", PIPE_WRITE),
        (r"tcp_recvmsg|inet6?_recvmsg", TCP_READ),
        (r"tcp_sendmsg|inet6?_sendmsg|do_sendfile", TCP_WRITE),
        (r"unix_stream_(recvmsg|read)", UNIX_READ),
        (r"unix_stream_sendmsg", UNIX_WRITE),
        (
            r"__sys_(accept|connect|socket|shutdown|bind|getsockname|getpeername|setsockopt|getsockopt)|__x64_sys_(accept|connect|close|shutdown|socket)"
            r"|do_accept|__fput|sock_close|__close_fd|file_close_fd",
            CONNECTIONS,
        ),
        (r"__sys_recv|sock_read_iter|sock_recvmsg|__x64_sys_recv", TCP_READ),
        (r"__sys_send|sock_write_iter|sock_sendmsg|__x64_sys_send", TCP_WRITE),
        (r"do_epoll|ep_poll|__x64_sys_epoll|__do_sys_epoll", EPOLL),
        (r"do_futex|futex_|__x64_sys_futex", FUTEX),
        (r"hrtimer_nanosleep|common_nsleep|__x64_sys_(clock_)?nanosleep|__x64_sys_select|core_sys_select|do_sys_poll", SLEEP),
        (
            r"ext4_|xfs_|btrfs_|overlay|ovl_|generic_file_|filemap_|shmem_file|do_sys_open|do_filp_open|vfs_(stat|fstat|open)|path_openat|__x64_sys_(open|newf?stat|statx|pread)"
            r"|filename_lookup|do_statx|vfs_write|vfs_read",
            FILES,
        ),
        (r"asm_exc_page_fault|exc_page_fault", FAULTS),
    )
]

# What servers call for a request. Each costs perf 50 ms at its end; what is not here is in "all" only.
CALLS = (
    "read",
    "readv",
    "recvfrom",
    "pread64",
    "write",
    "writev",
    "sendfile64",
    "epoll_wait",
    "epoll_pwait",
    "epoll_ctl",
    "futex",
    "accept4",
    "socket",
    "connect",
    "close",
    "openat",
    "newfstatat",
    "clock_nanosleep",
    "nanosleep",
    "poll",
)
EVENTS = "/sys/kernel/tracing/events/syscalls"


def missing():
    return "" if install.which("perf") else "perf is not installed"


class Look:
    """One look at some processes: begin, load them, stop, end. what: "samples" or "calls"."""

    def __init__(self, what, pids, dir, name):
        self._path = os.path.join(dir, "perf-%s-%s" % (what, name))
        self._what = what
        targets = ",".join(str(pid) for pid in pids)
        if what == "samples":
            argv = [
                "perf",
                "record",
                "--quiet",
                "--no-buildid",
                "--no-buildid-cache",
                "-F",
                str(PACE),
                "-g",
                "-e",
                "cpu-clock",
                "-p",
                targets,
                "-o",
                self._path,
            ]
        else:
            self._events = ["raw_syscalls:sys_enter"] + [
                "syscalls:sys_enter_" + c for c in CALLS if os.path.isdir(os.path.join(EVENTS, "sys_enter_" + c))
            ]
            argv = ["perf", "stat", "-x", ";", "-o", self._path, "-e", ",".join(self._events), "-p", targets]
        self._perf = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def stop(self):
        """It ends: perf takes a second for it, so all are told first."""
        self._perf.send_signal(signal.SIGINT)

    def end(self):
        """After stop: {class: samples} or {call: times}; ValueError with what perf says."""
        said = self._perf.communicate()[1].decode("utf-8", "replace").strip()
        if self._perf.returncode > 0:  # else it has died of SIGINT
            raise ValueError("perf: " + said[:200])
        if self._what == "calls":
            return calls(machine.read(self._path))
        done = subprocess.run(["perf", "script", "-i", self._path, "-F", "ip,sym"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return count(done.stdout.decode("utf-8", "replace"))


def count(text):
    """{class: samples} of what perf script -F ip,sym prints: stacks, the leaf first, with empty lines between."""
    counts = {}
    for block in text.split("\n\n"):
        frames = [line.split(None, 1) for line in block.splitlines() if line.strip()]
        if frames:
            class_ = classify(frames)
            counts[class_] = counts.get(class_, 0) + 1
    return counts


def classify(frames):
    """frames: pairs of address and name, the leaf first. The kernel's addresses are the upper half."""
    inside = [frame for frame in frames if len(frame[0]) == 16 and frame[0] >= "8"]
    if not inside or frames[0] not in inside:
        return USER
    for _, *name in inside:
        for pattern, class_ in _RULES:
            if name and pattern.match(name[0]):
                return class_
    return OTHER


def calls(text):
    """{call: times} of perf stat -x ';', and all of them as "all"."""
    found = {}
    for line in text.splitlines():
        fields = line.split(";")
        if len(fields) > 2 and fields[0].isdigit():
            name = fields[2].split("sys_enter_")[-1]
            found["all" if fields[2].startswith("raw_") else name] = int(fields[0])
    return found
