package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostileApp breaks the protocol of its worker in the way that the query names. It writes on the descriptors that the
// shim keeps, as any code in a worker can.
const hostileApp = `
import gc
import os
import socket
import struct
import time
from urllib.parse import parse_qsl


def pipes():
    gc.unfreeze() if hasattr(gc, "unfreeze") else None  # the shim freezes what is there before the first request
    return next(o for o in gc.get_objects() if type(o).__name__ == "Pipes" and hasattr(o, "answers"))


def frame(kind, stream, payload=b"", flags=0):
    return struct.pack(">BBHII", 0xC1, kind, flags, stream, len(payload)) + payload


def head(fields):
    body = b"\x92\xc4\x06200 OK" + b"\xdd" + struct.pack(">I", 2 * fields) + b"\xc4\x01a\xc4\x00" * fields
    return struct.pack(">I", len(body)) + body


def everything(fd, data, times=1):
    for _ in range(times):
        rest = data
        while rest:
            rest = rest[os.write(fd, rest):]


def passing(fd, data, files):
    s = socket.socket(fileno=os.dup(fd))
    s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("%di" % len(files), *files))])


def hostile(how):
    p = pipes()
    ready = b"\x81\xa6static\xdd\x00\x0f\x00\x00" + b"\x80" * 0xF0000
    failed = b"\x81\xa7message\xa1x"
    hello = b"\x81\xa4hash\xa1x"
    if how == "garbage":
        everything(p.control, b"x" * 4096, 1000)
    elif how == "stacks":
        everything(p.control, frame(0x24, 0, b"\xdb" + struct.pack(">I", 1 << 19) + b"s" * (1 << 19)), 100)
    elif how == "recalled":
        everything(p.control, frame(0x22, 0, struct.pack(">I", 1)))
    elif how == "empty recalled":
        everything(p.control, frame(0x22, 0), 1000)
    elif how == "order":
        everything(p.control, frame(0x20, 1))
    elif how == "files":
        for _ in range(1000):
            passing(p.control, frame(0x27, 99, bytes(16)), [0])
    elif how == "descriptors":
        passing(p.control, frame(0x27, 99, bytes(16)), [0, 0, 0])
    elif how == "ready":
        everything(p.answers, frame(0x03, 0, ready), 20)
    elif how == "failed":
        everything(p.answers, frame(0x04, 0, failed), 20)
    elif how == "hello":
        everything(p.answers, frame(0x01, 0, hello), 20)
    elif how == "fields":
        everything(p.answers, frame(0x12, 1, head(140000)))
    elif how == "log":
        everything(p.answers, frame(0x16, 0, b"\xdf\x00\x01\x00\x00" + b"".join(b"\xa6%06d\xa0" % i for i in range(1 << 16))))
    elif how == "pipe":
        everything(p.answers, b"not a frame at all")
    elif how == "pipe, killed":
        everything(p.answers, b"not a frame at all")
        os.kill(os.getpid(), 9)
    elif how == "control, killed":
        everything(p.control, b"not a frame at all")
        os.kill(os.getpid(), 9)
    time.sleep(600)


def application(environ, start_response):
    q = dict(parse_qsl(environ["QUERY_STRING"]))
    if "how" in q:
        with open(os.environ["RUNS"], "a") as runs:
            runs.write(q["how"] + "\n")
        try:
            hostile(q["how"])
        except OSError:
            time.sleep(600)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
`

// TestFault_C7_HostileWorkers: a worker that breaks the protocol is named so, whatever ends it then; its GET is not run on
// another one, and no other worker is lost.
func TestFault_C7_HostileWorkers(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"garbage", "stacks", "recalled", "empty recalled", "order", "files", "descriptors", "ready", "failed", "hello", "fields", "log",
		"pipe", "pipe, killed", "control, killed"} {
		t.Run(how, func(t *testing.T) {
			runs := filepath.Join(t.TempDir(), "runs")
			s := start(t, opts{App: "app:application", Dir: project(t, map[string]string{"app.py": hostileApp}),
				Args: []string{"-w", "2", "--timeout", "5m", "--queue-timeout", bootQueue}, Env: []string{"RUNS=" + runs}})
			before := s.memory()
			if r := s.get("/?how=" + strings.ReplaceAll(how, " ", "+")); r.Status != 502 {
				t.Errorf("answered %d", r.Status)
			}
			exit := s.waitEvent("worker_exit")
			if exit.str("reason") != "protocol_error" {
				t.Errorf("the record: %v", exit)
			}
			if got, _ := os.ReadFile(runs); string(got) != how+"\n" {
				t.Errorf("it ran %q", got)
			}
			s.want(200, "/")
			if got := s.events("worker_exit"); len(got) != 1 {
				t.Errorf("%d workers ended: %v", len(got), got)
			}
			if after := s.memory(); after > before+64<<20 {
				t.Errorf("the server has grown from %d to %d MiB", before>>20, after>>20)
			}
		})
	}
}

// memory is the server's largest resident size so far, in bytes.
func (s *server) memory() int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	var n int64
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			_, _ = fmt.Sscan(rest, &n)
		}
	}
	return n << 10
}

// leasedApp answers with a file on which it holds a write lease.
const leasedApp = `
import fcntl
import os


def application(environ, start_response):
    if environ["PATH_INFO"] == "/plain":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"plain"]
    path = os.environ["LEASED"]
    with open(path, "w") as f:
        f.write("leased " * 100)
    holder = os.open(path, os.O_RDWR)
    fcntl.fcntl(holder, fcntl.F_SETSIG, 17)  # SIGIO would end the process
    fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    file = os.fdopen(os.dup(holder), "rb")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "700")])
    return environ["wsgi.file_wrapper"](file)
`

// TestFault_C7_LeasedFile: to open a file again that has a lease takes until the lease is broken, 45 s by default. The
// worker's descriptor does as well.
func TestFault_C7_LeasedFile(t *testing.T) {
	t.Parallel()
	if breakTime, err := os.ReadFile("/proc/sys/fs/lease-break-time"); err != nil || strings.TrimSpace(string(breakTime)) == "0" {
		skip(t, "no-lease", "no leases here")
	}
	s := start(t, opts{App: "app:application", Dir: project(t, map[string]string{"app.py": leasedApp}), Args: []string{"-w", "1", "--timeout", "20s"},
		Env: []string{"LEASED=" + filepath.Join(t.TempDir(), "leased")}})
	if r := s.want(200, "/"); r.Body != strings.Repeat("leased ", 100) {
		t.Errorf("%.100q", r.Body)
	}
	s.want(200, "/plain")
}
