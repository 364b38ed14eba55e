package integration

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// breakpoints is an app with breakpoints.
var breakpoints = map[string]string{"app.py": `
import os, pdb, threading, time

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return "index of %d\n" % os.getpid()


@app.route("/slow")
def slow():
    time.sleep(1)
    return "slow of %d\n" % os.getpid()


@app.route("/stop")
def stop():
    x = 41
    breakpoint()
    x += 1
    y = double(x)
    return "x=%d y=%d of %d\n" % (x, y, os.getpid())


def double(v):
    print("double is called")
    return v * 2


@app.route("/direct")
def direct():
    z = 7
    pdb.set_trace()
    z += 1
    return "z=%d\n" % z


@app.route("/after")
def after():
    try:
        1 / 0
    except ZeroDivisionError:
        pdb.post_mortem()
    return "went on\n"


@app.route("/thread")
def thread():
    def work():
        k = 5
        breakpoint()
        k += 1

    threading.Thread(target=work).start()
    return "started\n"
`}

const prompt = `\(Pdb\) `

var nextPrompt = regexp.MustCompile(prompt)

// develop starts standpipe dev on a terminal.
func develop(t testing.TB, files map[string]string, env []string, args ...string) (s *ptySession, dir string) {
	t.Helper()
	dir = project(t, files)
	s = onTerminal(t, dir, env, append([]string{built.binary, "dev", "app:app", "-b", "127.0.0.1:0", "--python", python(t), "--control", filepath.Join(dir, "control.sock")}, args...)...)
	return s, dir
}

// serving waits for the banner.
func (s *ptySession) serving() *ptySession {
	s.t.Helper()
	s.url = s.expect(`(http://127\.0\.0\.1:\d+)\D`)[1]
	s.expect(`health `)
	return s
}

// stands waits for a debugger and its prompt, and returns the worker.
func (s *ptySession) stands() int {
	s.t.Helper()
	pid, err := strconv.Atoi(s.expect(`debugger_opened:.* pid=(\d+) `)[1])
	if err != nil {
		s.t.Fatal(err)
	}
	s.expect(prompt)
	return pid
}

// types sends a line to a debugger, and waits for pattern and the next prompt.
func (s *ptySession) types(line, pattern string) {
	s.t.Helper()
	s.keys(line + "\r")
	s.expect(pattern)
	s.expect(prompt)
}

// breaks has Ctrl-C end a line that has been typed. The echo shows that it has been read: where the terminal drops typed keys while
// GNU readline reads them, that waits for another key, and no signal ends its wait.
func (s *ptySession) breaks() {
	s.t.Helper()
	s.keys("p no_such_na")
	s.expect(`p no_such_na`)
	s.interrupt(`KeyboardInterrupt--`)
	s.expect(prompt)
}

// leave ends the server by Ctrl-C: no debugger is open.
func (s *ptySession) leave() {
	s.t.Helper()
	s.interrupt(`stopping: signal=interrupt`)
	s.ended(0)
}

func TestBreakpoint(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"threads": nil, "main thread": {"--threads", "1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := develop(t, breakpoints, nil, args...)
			s.serving()
			modes, group := s.state()
			a := s.get("/stop")
			pid := s.stands()
			if _, now := s.state(); now != pid {
				t.Errorf("the foreground group is %d, not the worker's %d", now, pid)
			}
			s.types("p x", `\n41\r`)
			for at := ""; at != "y = double(x)"; { // the first stop is at breakpoint() or behind it, by the version of Python
				s.keys("n\r")
				at = s.expect(`\n-> ([^\r]*)\r`)[1]
				s.expect(prompt)
			}
			s.types("p x", `\n42\r`)
			s.types("w", `wsgi_app`)
			s.breaks()
			s.types("\x1b[A\x1b[A", `\n42\r`) // the history: w, then p x

			// Other requests go to the other worker, and the log waits.
			for range 6 {
				b := <-s.get("/")
				if b.status != 200 || strings.Contains(b.body, fmt.Sprint(pid)) {
					t.Errorf("%+v while %d is in the debugger", b, pid)
				}
			}
			if all := s.all(); strings.Contains(all, "GET / ") || strings.Contains(all, " / ") {
				t.Error("the access log goes on")
			}
			s.keys("c\r")
			s.want(a, 200, fmt.Sprintf("x=42 y=84 of %d", pid))
			eventually(t, "the lines that waited", func() bool {
				all := s.all()
				return strings.Count(all, `"GET / `)+strings.Count(all, "GET / ") >= 6 && strings.Contains(all, "double is called")
			})
			if m, g := s.state(); m != modes || g != group {
				t.Errorf("the terminal is not as it was: %v, group %d", m, g)
			}

			for _, end := range []string{"q\r", "\x04"} { // quit; Ctrl-D
				a = s.get("/stop")
				pid = s.stands()
				s.keys(end)
				s.want(a, 500, "")
				s.expect(`DebuggerQuit`)
				if err := syscall.Kill(pid, 0); err != nil {
					t.Error("the worker has ended")
				}
			}
			a = s.get("/direct")
			s.stands()
			s.types("p z", `\n7\r`)
			s.keys("c\r")
			s.want(a, 200, "z=8")
			a = s.get("/after")
			s.stands()
			s.keys("c\r")
			s.want(a, 200, "went on")
			s.want(s.get("/thread"), 200, "started")
			s.stands()
			s.types("p k", `\n5\r`)
			s.keys("c\r")
			s.expect("debugger_closed")

			// A breakpoint of the debugger takes the terminal again; steps beyond the view end with the request.
			a = s.get("/stop")
			s.stands()
			s.types("b double", "Breakpoint 1")
			s.keys("c\r")
			s.stands()
			s.types("p v", `\n42\r`)
			s.types("cl 1", "Deleted")
			for i := 0; len(a) == 0; i++ {
				if i == 200 {
					t.Fatal("the request does not end")
				}
				s.keys("n\r")
				eventually(t, "the next line, or the answer", func() bool { return len(a) > 0 || s.find(nextPrompt) != nil })
			}
			s.want(a, 200, "x=42 y=84")
			s.expect("debugger_closed")
			for range 10 { // no thread of the worker stops any more
				s.want(s.get("/"), 200, "index")
			}
			s.leave()
		})
	}
}

// Two requests stop at once: the second waits for the terminal and says so.
func TestBreakpointsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s, _ := develop(t, breakpoints, nil)
	s.serving()
	a := s.get("/stop")
	s.stands()
	b := s.get("/direct")
	s.expect(`/\d waits at another breakpoint, app\.py:\d+`)
	s.types("p x", `\n41\r`)
	s.keys("c\r")
	s.want(a, 200, "x=42")
	s.expect("debugger_waits")
	s.stands()
	s.types("p z", `\n7\r`)
	s.keys("c\r")
	s.want(b, 200, "z=8")
	s.leave()
}

// No timeout passes in a debugger: of the request, of the drain after a reload, of a client that has disconnected.
func TestBreakpointHasTime(t *testing.T) {
	t.Parallel()
	s, dir := develop(t, breakpoints, nil, "--timeout", "5s", "--drain-timeout", "5s")
	s.serving()
	a := s.get("/stop")
	pid := s.stands()
	time.Sleep(6 * time.Second) // longer than the timeout
	text := strings.ReplaceAll(breakpoints["app.py"], "index of", "another index of")
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s.want(s.get("/"), 200, "another index")
	time.Sleep(6 * time.Second) // longer than the drain
	s.types("p x", `\n41\r`)
	s.keys("c\r")
	s.want(a, 200, fmt.Sprintf("x=42 y=84 of %d", pid))
	eventually(t, "the end of the old worker", func() bool { return syscall.Kill(pid, 0) != nil })

	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /stop HTTP/1.1\r\nHost: a\r\n\r\n")
	pid = s.stands()
	conn.Close()
	time.Sleep(6 * time.Second)
	s.types("p x", `\n41\r`)
	s.keys("c\r")
	s.expect("debugger_closed")
	s.want(s.get("/"), 200, "another index")
	if err := syscall.Kill(pid, 0); err != nil {
		t.Error("the worker has ended")
	}
	s.leave()
}

// The death of a worker in a debugger restores the terminal; its request is not run again, and the server serves on.
func TestBreakpointKilled(t *testing.T) {
	t.Parallel()
	s, _ := develop(t, breakpoints, nil)
	s.serving()
	modes, group := s.state()
	a := s.get("/stop")
	pid := s.stands()
	eventually(t, "the modes of readline", func() bool { m, _ := s.state(); return m != modes })
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.want(a, 502, "")
	eventually(t, "the terminal as it was", func() bool { m, g := s.state(); return m == modes && g == group })
	s.expect("worker_exit")
	s.want(s.get("/"), 200, "index")
	a = s.get("/stop")
	s.stands()
	s.keys("c\r")
	s.want(a, 200, "x=42")
	s.leave()
}

// SIGTERM stops the server while a debugger is open, at once, and restores the terminal.
func TestBreakpointServerStops(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"threads": nil, "main thread": {"--threads", "1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := develop(t, breakpoints, nil, args...)
			s.serving()
			modes, _ := s.state()
			a := s.get("/stop")
			s.stands()
			b := s.get("/direct")
			s.expect("waits at another breakpoint")
			_ = s.cmd.Process.Signal(syscall.SIGTERM)
			s.ended(0)
			for _, c := range []<-chan terminalAnswer{a, b} {
				if got := <-c; got.status == 200 {
					t.Errorf("%+v", got)
				}
			}
			if m, _ := s.state(); m != modes {
				t.Error("the modes of the terminal are not as they were")
			}
		})
	}
}

// A breakpoint at the import of the app: the boot has all its time again afterwards.
func TestBreakpointAtImport(t *testing.T) {
	t.Parallel()
	s, _ := develop(t, map[string]string{"app.py": "import os\nbreakpoint()\nq = 1\n" + breakpoints["app.py"]}, nil, "--boot-timeout", "10s", "-w", "1")
	s.stands()
	time.Sleep(11 * time.Second)
	s.types("p os.path", "posixpath")
	s.keys("c\r")
	s.serving()
	s.want(s.get("/"), 200, "index")
	s.leave()
}

// Ctrl-Z stops the debugger and the server as a job of the shell; fg continues both.
func TestBreakpointCtrlZ(t *testing.T) {
	t.Parallel()
	dir := project(t, breakpoints)
	script := fmt.Sprintf("set -m\n%s dev app:app -b 127.0.0.1:0 --python %s --control %s/control.sock\necho job is stopped\nread line\nfg\necho job has ended\n", built.binary, python(t), dir)
	s := onTerminal(t, dir, nil, "/bin/bash", "-c", script)
	s.serving()
	a := s.get("/stop")
	pid := s.stands()
	s.keys("p no_such")
	s.expect("p no_such")
	s.keys("\x1a")
	s.expect("job is stopped")
	s.keys("go\r")
	eventually(t, "the debugger in the foreground", func() bool { _, group := s.state(); return group == pid })
	s.keys("\x15") // the line that was begun
	s.types("p x", `\n41\r`)
	s.keys("c\r")
	s.want(a, 200, "x=42")
	s.interrupt(`stopping: signal=interrupt`)
	s.expect("job has ended")
}

// Other ways to name a debugger.
func TestBreakpointNamed(t *testing.T) {
	t.Parallel()
	s, _ := develop(t, breakpoints, []string{"PYTHONBREAKPOINT=0"})
	s.serving()
	s.want(s.get("/stop"), 200, "x=42")
	s.leave()
}

// Without a terminal on standard input, and outside of the development mode, breakpoint() says what it has always said.
func TestBreakpointWithoutTerminal(t *testing.T) {
	t.Parallel()
	const want = "breakpoint() has no terminal under standpipe: a worker's stdin is /dev/null. Use a remote debugger (debugpy, or remote-pdb with PYTHONBREAKPOINT=remote_pdb.set_trace)"
	t.Run("no terminal", func(t *testing.T) {
		t.Parallel()
		s := start(t, opts{Argv: []string{"{bin}", "dev", "app:app"}, Dir: project(t, breakpoints), Python: python(t)})
		s.want(500, "/stop")
		s.waitLog(func(r record) bool { return strings.Contains(marshal(r), want) }, "the failure")
	})
	t.Run("not in development", func(t *testing.T) {
		t.Parallel()
		dir := project(t, breakpoints)
		s := onTerminal(t, dir, nil, built.binary, "serve", "app:app", "-b", "127.0.0.1:0", "--python", python(t), "--control", filepath.Join(dir, "control.sock"))
		s.serving()
		s.want(s.get("/stop"), 500, "")
		eventually(t, "the error", func() bool { return strings.Contains(s.all(), want) })
		s.leave()
	})
}
