"""What Go's processor time is spent on: the samples of a CPU profile, each in one class by the innermost frame that says what for."""

import os
import re

import machine

CLASSES = (
    "write to the client",
    "read from the client",
    "write to the worker's pipe",
    "read from the pipe",
    "epoll",
    "futex and scheduler",
    "garbage collection, allocation, stacks",
    "accept and close of connections",
    "protocol: net/http's or uwsgi's own",
    "static files",
    "access log",
    "bridge",
    "shim",
    "supervisor",
    "rest",
)
WRITE, READ, PIPE_WRITE, PIPE_READ, EPOLL, SCHEDULER, MEMORY, CONNECTIONS, PROTOCOL, STATIC, LOG, BRIDGE, SHIM, SUPERVISOR, REST = CLASSES

START = re.compile(r"^main\.main$")  # boot and stop; requests are on goroutines of their own

# Of a frame the first line counts whose pattern matches at its beginning; "~/" is the module. What says only how (system calls, copies,
# maps, strings, locks that are free, the clock) is in no line: who called it decides.
_RULES = [
    (re.compile("(?:%s)" % pattern), class_)
    for pattern, class_ in (
        (r"runtime\.netpoll(open|close)\b|internal/poll\.runtime_poll(Open|Close)", CONNECTIONS),
        (r"runtime\.(\(\*netpoll|netpoll)", EPOLL),
        (
            r"runtime\.(gc[A-Z]|bgsweep|bgscavenge|malloc|newobject|newarray|makeslice|growslice|rawstring|rawbyteslice|makemap|makechan|wbBuf|wbMove"
            r"|bulkBarrier|scan|grey|sweep|mark|deduct|(new|copy|more)stack|adjust|stack(alloc|free|cache|pool)|memclrHasPointers|typedmemmove"
            r"|\(\*(mspan|mcache|mcentral|mheap|gcWork|gcBits|sweep|gcControllerState|limiter|unwinder|spanInlineMarkBits|spanQueue|spanSPMC))",
            MEMORY,
        ),
        (
            r"runtime\.(futex|note|sema|schedule|findRunnable|findrunnable|park|gopark|goready|ready\b|mcall|mPark|stopm|startm|wakep|newproc|goexit0|goyield|gosched"
            r"|gopreempt|execute|resetspinning|runq|globrunq|stealWork|checkTimers|checkRunqs|casgstatus|handoffp|retake|sysmon|osyield|procyield"
            r"|usleep|lock2|unlock2|chan(send|recv)|send\b|recv\b|closechan|selectgo|selectnb|sellock|selunlock|exitsyscallNoP|exitsyscall0|acquireSudog"
            r"|releaseSudog|injectglist|casfrom|castogscanstatus|preempt|mstart|\(\*(sudog|waitq|timers?|guintptr|semaRoot|wakeableSleep|notifyList))",
            SCHEDULER,
        ),
        (
            r"(internal/)?sync\.(runtime_|\(\*(Mutex|RWMutex|Cond|WaitGroup)\)\.(lockSlow|unlockSlow|Wait|Signal|Broadcast))|internal/poll\.runtime_(Semacquire|Semrelease)",
            SCHEDULER,
        ),
        (r"internal/poll\.(runtime_poll(Wait|Reset)|\(\*pollDesc\)\.(wait|prepare))", EPOLL),
        (
            r"net\.(\(\*(netFD|conn|TCPConn|UnixConn)\)\.([Ww]rite|[Rr]eadFrom|sendFile)|sendFile|\(\*Buffers\)|genericReadFrom|splice)",
            WRITE,
        ),
        (r"net\.\(\*(netFD|conn|TCPConn|UnixConn)\)\.[Rr]ead", READ),
        (
            r"net\.(\(\*(netFD|conn|TCPConn|UnixConn)\)\.([Cc]lose|shutdown|[Aa]ccept|init|SetKeepAlive)|\(\*(TCP|Unix)Listener\)|new(TCPConn|FD|UnixConn)|set(KeepAlive|NoDelay))",
            CONNECTIONS,
        ),
        (r"net/http\.(\(\*conn\)\.(close|finalFlush|setState)|\(\*Server\)\.(Serve|newConn|trackConn)|newBufio|putBufio)", CONNECTIONS),
        (r"~/bridge/listen\.\(\*limitListener\)", CONNECTIONS),
        (r"~/shim\.(writeNow|\(\*writer\)\.(writeNow|writeAll|loop))", PIPE_WRITE),
        (r"~/shim\.\(\*FrameReader\)\.fill", PIPE_READ),
        (r"~/bridge/accesslog\b|~/cmd/internal/logfile\.\(\*Outlet\)", LOG),
        (r"net/(http|textproto|url)|bufio\.|mime|~/bridge/(nethttp|http1|uwsgi)\b", PROTOCOL),
        (r"~/bridge/static\b", STATIC),
        (r"~/(bridge|cmd)\b", BRIDGE),
        (r"~/shim\b|github\.com/vmihailenco/msgpack", SHIM),
        (r"~/supervisor\b", SUPERVISOR),
    )
]
# bridge/http1 reads from and writes to its sockets without package net in between.
_CALL = re.compile(r"(?:syscall|golang\.org/x/sys/unix)\.(Read|Readv|Recv\w*|Write|Writev|Send\w*)$")
_DIRECT = re.compile(r"~/bridge/http1\b")
_MODULE = "github.com/standpipe/standpipe/"


def classify(stack):
    """stack: names of functions, the leaf first."""
    call = None
    for frame in stack:
        frame = frame.replace(_MODULE, "~/", 1)
        call = _CALL.match(frame) or call
        for pattern, class_ in _RULES:
            if pattern.match(frame):
                if call and _DIRECT.match(frame):
                    return READ if "read" in call.group(1).lower() or "recv" in call.group(1).lower() else WRITE
                return class_
    return REST


def read(path):
    """{class: samples} of a profile, without the start. Raises ValueError with what go tool pprof says."""
    text = machine.output(["go", "tool", "pprof", "-traces", path], os.path.dirname(path))
    if "\n-----------+-" not in text:
        raise ValueError("go tool pprof: " + (text[-200:] or "not found"))
    return count(text)


def count(text):
    """The same of what go tool pprof -traces prints: blocks between lines of dashes, of each the first line with a time."""
    counts = dict.fromkeys(CLASSES, 0)
    for weight, stack in stacks(text):
        if not any(START.match(frame) for frame in stack):
            counts[classify(stack)] += weight
    return counts


def stacks(text):
    """Pairs of samples and stack. A sample is 10 ms: the pace of Go's profiles."""
    for block in re.split(r"^-+\+-+\n", text, flags=re.M)[1:]:
        found = re.match(r"\s*([\d.]+)(ms|s|mins)\s+", block)
        if found:
            frames = [line.strip().replace(" (inline)", "") for line in block[found.end() :].splitlines() if line.strip()]
            yield round(float(found.group(1)) * {"ms": 1, "s": 1000, "mins": 60000}[found.group(2)] / 10), frames
