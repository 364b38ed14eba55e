package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

// shop is an app with a request that waits in a function of a known name, one that fails, and a fast one.
const shopOfTop = `import os
import time


def rows_of(path):
    while not os.path.exists(path):
        time.sleep(0.005)


def app(environ, start_response):
    if environ["PATH_INFO"].startswith("/gate"):
        rows_of(environ["QUERY_STRING"])
    if environ["PATH_INFO"] == "/boom":
        raise ValueError("boom")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
`

// topped is a server with two apps.
func topped(t testing.TB, more string) *server {
	t.Helper()
	dir := project(t, map[string]string{"shop.py": shopOfTop, "standpipe.toml": more + `
[[app]]
name = "shop"
module = "shop:app"
workers = 2
timeout = "10m"
[[app]]
name = "back"
module = "shop:app"
mount = "/back"
workers = 1
`})
	return start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}, Apps: 2})
}

// showTop runs standpipe top for the server in a terminal.
func (s *server) showTop(w, h int, args ...string) *screen {
	s.t.Helper()
	return newScreen(s.t, w, h, nil, fmt.Sprintf("%s top --control %s --interval 200ms %s"+exitStatus, built.binary, s.controlSocket(), strings.Join(args, " ")))
}

// Each page, and each key, with a real server in a real terminal.
func TestTop(t *testing.T) {
	t.Parallel()
	s := topped(t, "")
	g := newGate(t)
	slow := s.background("/gate/日本?" + g.path)
	for range 20 {
		s.want(200, "/")
	}
	s.want(500, "/boom")
	c := s.showTop(80, 24)
	c.until("1 apps", "shop", "back", "waiting", "sending", "whole", "slow requests", "/gate/")
	if c.about("alternate_on") != "1" || c.about("cursor_flag") != "0" {
		t.Error("not a screen of its own")
	}

	c.press("2")
	c.until("WORKER", "GEN", "RSS", "shop/1", "shop/2", "back/1", "busy", "GET /gate/")
	busy := "shop/1"
	if st := s.status(); len(st.Apps[0].Processes[1].Requests) > 0 {
		busy = "shop/2"
	}
	c.press("D") // the line of Python of each busy worker
	c.until("shop.py:", "rows_of")
	c.press("D")
	c.untilIt("no line is shown", func(shown string) bool { return !strings.Contains(shown, "rows_of") })
	c.press("/", busy, "Enter") // the filter leaves one, which is selected
	c.untilIt("one worker is shown", func(shown string) bool {
		return strings.Count(shown, "shop/") == 2 && strings.Contains(shown, "/"+busy) && !strings.Contains(shown, "back/1")
	})
	c.press("d")
	c.until("rows_of")
	c.press("d", "Enter")
	c.until("process", "stacks", "thread MainThread", "rows_of", "/gate/")
	c.press("Escape")
	c.until("WORKER")
	c.press("Escape")
	c.until("back/1")

	c.press("3")
	c.until("ROUTE", "no route")
	c.press("4")
	c.until("STATUS", "runs", "GET /gate/")
	c.press("Enter")
	c.until("waiting", "began", busy)
	c.press("Escape", "5")
	c.until("SAVED", "cache")
	c.press("6")
	c.until("EVENT", "CAUSE")
	c.press("1", "s")
	c.until("▴APP")
	c.press("s")
	c.until("▾REQ/S")
	c.press("S")
	c.until("▴REQ/S")
	c.press("?")
	c.until("keys", "pgup")
	c.press("q", "p")
	c.until("paused")
	c.press("p")
	c.untilIt("the pause has ended", func(shown string) bool { return !strings.Contains(shown, "paused") })
	c.press("-")
	c.until("500ms")

	// A terminal of another size.
	c.tmux("resize-window", "-x", "120", "-y", "40")
	c.until("WAIT95", "SEND95", "TREND")
	c.tmux("resize-window", "-x", "60", "-y", "15")
	c.untilIt("the small screen", func(shown string) bool {
		return !strings.Contains(shown, "WAIT95") && strings.Contains(shown, "WORKERS")
	})

	g.open(t)
	slow.wait(t)
	c.press("q")
	if code := c.ended(); code != "0" {
		t.Errorf("exit %s\n%s", code, c.shown())
	}
	if c.about("alternate_on") != "0" {
		t.Error("the terminal is not restored")
	}
}

// What is confirmed is done, and nothing else is.
func TestTopActs(t *testing.T) {
	t.Parallel()
	s := topped(t, "")
	c := s.showTop(100, 30)
	c.until("1 apps", "shop")
	before := s.status().pids()
	c.press("2", "x", "r")
	c.until("shop/1?")
	c.press("n")
	c.untilIt("the question has gone", func(shown string) bool { return !strings.Contains(shown, "shop/1?") })
	c.press("x", "r", "y")
	eventually(t, "shop/1 is another process", func() bool {
		now := s.status().pids()
		return now["shop/1"] != 0 && now["shop/1"] != before["shop/1"]
	})
	if now := s.status().pids(); now["shop/2"] != before["shop/2"] || now["back/1"] != before["back/1"] {
		t.Errorf("%v, before %v", now, before)
	}
	c.press("1", "Home", "x", "s", "3", "Enter")
	c.until("3 workers?")
	c.press("y")
	eventually(t, "three workers", func() bool { return s.status().Apps[0].Workers == 3 })
	c.until("0/3")
	c.press("x", "u", "y")
	eventually(t, "it is paused", func() bool { return s.status().Apps[0].Paused })
	c.until("shop paused")
	c.press("x", "u", "y")
	eventually(t, "it is resumed", func() bool { return !s.status().Apps[0].Paused })
	// A reload that fails shows why.
	write(t, s.Cmd.Dir, map[string]string{"shop.py": "def broken(:\n"})
	c.press("x", "a", "y")
	c.until("shop.py", "SyntaxError", "def broken(:")
	c.press("Escape", "6")
	c.until("reload failed", "scaled")
	s.order("stop")
	s.wait()
}

// However it ends, the terminal is as it was.
func TestTopRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	s := topped(t, "")
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		c := newScreen(t, 80, 24, nil, fmt.Sprintf("sh -c 'exec %s top --control %s'; echo code $?; read wait", built.binary, s.controlSocket()))
		c.until("1 apps")
		if err := syscall.Kill(childOf(t, c.pid()), sig); err != nil {
			t.Fatal(err)
		}
		shown := c.until("code ")
		if c.about("alternate_on") != "0" || c.about("cursor_flag") != "1" || strings.Contains(shown, "goroutine") || strings.Contains(shown, "code 2") {
			t.Errorf("after %v:\n%s", sig, shown)
		}
	}
	// Ctrl-Z in a shell, and back.
	c := newScreen(t, 80, 24, nil, "exec bash --norc --noprofile -i")
	c.until("bash-")
	c.press("stty -a > "+filepath.Join(s.Cmd.Dir, "before"), "Enter", fmt.Sprintf("%s top --control %s --interval 200ms", built.binary, s.controlSocket()), "Enter")
	c.until("1 apps")
	c.press("C-z")
	c.until("Stopped")
	if c.about("alternate_on") != "0" || c.about("cursor_flag") != "1" {
		t.Error("the terminal is not restored by Ctrl-Z")
	}
	c.press("stty -a > "+filepath.Join(s.Cmd.Dir, "stopped"), "Enter", "fg", "Enter")
	c.until("1 apps")
	if c.about("alternate_on") != "1" {
		t.Error("no screen after fg")
	}
	c.press("2")
	c.until("shop/1")
	c.press("C-c")
	c.until("bash-", "Stopped")
	c.press("echo code $?; stty -a > "+filepath.Join(s.Cmd.Dir, "after"), "Enter")
	c.until("code 0")
	modes := func(name string) string { b, _ := os.ReadFile(filepath.Join(s.Cmd.Dir, name)); return string(b) }
	eventually(t, "the modes are written", func() bool { return modes("after") != "" })
	if modes("before") == "" || modes("stopped") != modes("before") || modes("after") != modes("before") {
		t.Errorf("the modes:\n%s\n%s\n%s", modes("before"), modes("stopped"), modes("after"))
	}
	// Without a shell above, the kernel does not stop it.
	c = s.showTop(80, 24)
	c.until("1 apps")
	c.press("C-z", "2")
	c.until("WORKER")
	// The terminal is closed.
	pid := c.pid()
	c.tmux("kill-server")
	eventually(t, "it ends with its terminal", func() bool { return !alive(pid) })
}

// childOf is the only child of a process.
func childOf(t testing.TB, pid int) int {
	t.Helper()
	child := 0
	eventually(t, "there is a child", func() bool {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		child, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		return child > 0
	})
	return child
}

// A server that is gone is said to be, and comes back.
func TestTopServerGone(t *testing.T) {
	t.Parallel()
	s := topped(t, "control = \"c.sock\"")
	socket := s.controlSocket()
	c := s.showTop(80, 24)
	c.until("1 apps", "shop", "pid "+fmt.Sprint(s.Pid))
	s.stop()
	c.until("no answer", "pid "+fmt.Sprint(s.Pid))
	again := start(t, opts{Dir: s.Cmd.Dir, Args: []string{"-c", "standpipe.toml"}, Apps: 2})
	if again.controlSocket() != socket {
		t.Fatal("another socket")
	}
	c.untilIt("the new process is shown", func(shown string) bool {
		return holds(shown, "pid "+fmt.Sprint(again.Pid)) && !strings.Contains(shown, "no answer")
	})
	c.press("q")
	if code := c.ended(); code != "0" {
		t.Errorf("exit %s", code)
	}
}

// What clients send neither controls the terminal nor moves a column.
func TestTopHostileURLs(t *testing.T) {
	t.Parallel()
	s := topped(t, "")
	g := newGate(t)
	urls := []string{"/gate/%1b]0;owned%07?", "/gate/日本語🐍e\u0301é?"}
	var asked []*async
	for _, u := range urls {
		asked = append(asked, s.background(u+g.path))
	}
	c := s.showTop(80, 24)
	c.until("1 apps")
	c.press("4")
	shown := c.untilIt("both run", func(shown string) bool {
		return strings.Count(shown, "runs") == 2 && strings.Contains(shown, "/gate/%1b]0;owned%07")
	})
	column := -1
	for _, l := range strings.Split(shown, "\n") {
		if i := strings.Index(l, "GET /gate/"); i >= 0 { // each character before it has one cell
			if i = utf8.RuneCountInString(l[:i]); column >= 0 && i != column {
				t.Errorf("the columns differ:\n%s", shown)
			} else {
				column = i
			}
		}
	}
	if title := c.about("pane_title"); strings.Contains(title, "owned") {
		t.Errorf("the title is %q", title)
	}
	g.open(t)
	for _, a := range asked {
		a.wait(t)
	}
}
