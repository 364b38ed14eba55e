package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// controlSocket is the path that the server has logged.
func (s *server) controlSocket() string {
	s.t.Helper()
	return s.waitEvent("control_socket").str("path")
}

// order runs a command for this server.
func (s *server) order(args ...string) result {
	s.t.Helper()
	return run(s.t, built.dir, nil, append(args, "--control", s.controlSocket())...)
}

// must is order for a command that is to succeed; it returns its output.
func (s *server) must(args ...string) string {
	s.t.Helper()
	r := s.order(args...)
	if r.code != 0 {
		s.t.Fatalf("standpipe %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.errout)
	}
	s.workers() // remembers them
	return r.out
}

// report is what status --json says, as far as tests read it.
type report struct {
	Pid     int
	Control string
	Served  map[string]int64 `json:"requests"`
	Apps    []struct {
		Name                                                      string
		Generation, Workers, Idle, Busy, Booting, Draining, Ready int
		BackingOff                                                int `json:"backing_off"`
		Waiting, Served, Restarts                                 int
		Paused                                                    bool
		Failed                                                    *struct{ Sentence, Traceback string } `json:"last_failed_reload"`
		Processes                                                 []struct {
			Name, State     string
			Pid, Generation int
			Requests        []struct{ Method, Target string }
		}
	}
}

func (s *server) status() report {
	s.t.Helper()
	var st report
	if err := json.Unmarshal([]byte(s.must("status", "--json")), &st); err != nil {
		s.t.Fatal(err)
	}
	for _, a := range st.Apps {
		if a.Idle+a.Busy+a.Booting+a.Draining+a.BackingOff != a.Workers {
			s.t.Errorf("the states do not add up: %+v", a)
		}
	}
	return st
}

// pids are those of the workers that serve, by their names.
func (st report) pids() map[string]int {
	m := map[string]int{}
	for _, a := range st.Apps {
		for _, p := range a.Processes {
			if p.State == "serving" {
				m[p.Name] = p.Pid
			}
		}
	}
	return m
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "2"}})
	g := newGate(t)
	waiting := s.background("/gate?" + g.path)
	var st report
	eventually(t, "one is busy", func() bool { st = s.status(); return st.Apps[0].Busy == 1 && st.Apps[0].Idle == 1 })
	a := st.Apps[0]
	if st.Pid != s.Pid || st.Control != s.controlSocket() || a.Workers != 2 || a.Ready != 2 || a.Generation != 1 || len(a.Processes) != 2 {
		t.Errorf("%+v", st)
	}
	found := false
	for _, p := range a.Processes {
		if !slices.Contains(s.workers(), p.Pid) {
			t.Errorf("%+v is not one of %v", p, s.workers())
		}
		for _, r := range p.Requests {
			found = found || r.Method == "GET" && strings.HasPrefix(r.Target, "/gate?")
		}
	}
	if !found {
		t.Errorf("no worker runs the request: %+v", a.Processes)
	}
	text := s.must("status", a.Name)
	if !holds(text, a.Name+"/1", a.Name+"/2", "GET /gate?", fmt.Sprint(a.Processes[0].Pid), fmt.Sprint(a.Processes[1].Pid)) || strings.Contains(text, "\x1b") {
		t.Errorf("%s", text)
	}
	if r := s.order("status", "nobody"); r.code != 2 || !r.names(`"nobody"`, a.Name) {
		t.Errorf("%+v", r)
	}
	g.open(t)
	waiting.wait(t)
	eventually(t, "it is counted", func() bool { return s.status().Apps[0].Served == 1 })
}

// More workers at once; fewer when they have finished what they run.
func TestScaleCommand(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "2"}})
	app := s.status().Apps[0].Name
	s.must("scale", "4")
	eventually(t, "4 are ready", func() bool { a := s.status().Apps[0]; return a.Workers == 4 && a.Ready == 4 })
	g := newGate(t)
	var waiting []*async
	for range 4 {
		waiting = append(waiting, s.background("/gate?"+g.path))
	}
	eventually(t, "all are busy", func() bool { return s.status().Apps[0].Busy == 4 })
	s.must("scale", app+"=1")
	s.waitLog(func(r record) bool { return r.event() == "scaled" && r.str("from") == "4" && r.str("to") == "1" }, "from 4 to 1")
	if a := s.status().Apps[0]; a.Workers != 1 || a.Busy != 1 || len(a.Processes) != 4 {
		t.Errorf("%+v", a)
	}
	for _, h := range waiting {
		if !h.running() {
			t.Error("a request was ended by the command")
		}
	}
	g.open(t)
	for _, h := range waiting {
		if r := h.wait(t); r.Status != 200 {
			t.Errorf("%d", r.Status)
		}
	}
	eventually(t, "one is left", func() bool { return len(s.workers()) == 1 })
	for _, wrong := range []string{"0", "x", "nobody=3", "=3", app + "=-1"} {
		if r := s.order("scale", wrong); r.code != 2 {
			t.Errorf("scale %s: %+v", wrong, r)
		}
	}
	r := s.waitLog(func(r record) bool { return r.event() == "control" && r.str("app") == app }, "the record of the command")
	if r.str("command") != "scale" || r.str("to") != "1" || !strings.HasPrefix(r.str("by"), fmt.Sprintf("uid=%d pid=", os.Getuid())) {
		t.Errorf("%v", r)
	}
}

func TestReloadCommand(t *testing.T) {
	t.Parallel()
	dir := steady(t)
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "2"}})
	app := s.status().Apps[0].Name
	setVersion(t, dir, "v2")
	if out := s.must("reload"); !holds(out, app, dir) || s.status().Apps[0].Generation != 2 || s.status().Apps[0].Ready != 2 {
		t.Errorf("%q", out)
	}
	if r := s.want(200, "/version"); r.Body != "v2" { // it has waited
		t.Errorf("%s serves", r.Body)
	}
	write(t, dir, map[string]string{"version.py": "VERSION = (\n"})
	r := s.order("reload", app)
	if r.code != 1 || !r.names(app, "version.py", "SyntaxError", "Traceback (most recent call last)") {
		t.Errorf("%+v", r)
	}
	if r := s.want(200, "/version"); r.Body != "v2" {
		t.Errorf("%s serves", r.Body)
	}
	if f := s.status().Apps[0].Failed; f == nil || !holds(f.Sentence, "version.py") || !holds(f.Traceback, "SyntaxError") {
		t.Errorf("%+v", f)
	}
	if out := s.must("status"); s.status().Apps[0].Generation != 2 || !holds(out, "version.py", "SyntaxError") {
		t.Errorf("%s", out)
	}
	setVersion(t, dir, "v4")
	s.must("restart", app)
	if r := s.want(200, "/version"); r.Body != "v4" || s.status().Apps[0].Failed != nil {
		t.Errorf("%s serves, %+v", r.Body, s.status())
	}
	if r := s.order("reload", "nobody"); r.code != 2 {
		t.Errorf("%+v", r)
	}
}

// Interrupting the command does not interrupt the reload.
func TestReloadCommandInterrupted(t *testing.T) {
	t.Parallel()
	dir := steady(t)
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "1"}})
	g := newGate(t)
	write(t, dir, map[string]string{"version.py": fmt.Sprintf("import os, time\nwhile not os.path.exists(%q): time.sleep(0.01)\nVERSION = 'v2'\n", g.path)})
	cmd := exec.Command(built.binary, "reload", "--control", s.controlSocket())
	cmd.Env = cleanEnv(t)
	var errout strings.Builder
	cmd.Stderr = &errout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is under way", func() bool { return len(s.workers()) == 2 })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _ = cmd.Wait(); exitCode(cmd) != 130 || !holds(errout.String(), "reload") {
		t.Errorf("exit %d: %s", exitCode(cmd), errout.String())
	}
	g.open(t)
	s.waitEvent("reloaded")
	if r := s.want(200, "/version"); r.Body != "v2" {
		t.Errorf("%s serves", r.Body)
	}
}

// One worker is replaced; the others keep running.
func TestRestartOne(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "3"}})
	app := s.status().Apps[0].Name
	var before map[string]int
	eventually(t, "3 serve", func() bool { before = s.status().pids(); return len(before) == 3 })
	s.must("restart", app+"/2")
	var after map[string]int
	eventually(t, "the old one has left", func() bool { after = s.status().pids(); return len(s.workers()) == 3 })
	for name, pid := range before {
		if same := after[name] == pid; same != (name != app+"/2") || after[name] == 0 {
			t.Errorf("%s: %d, before %d", name, after[name], pid)
		}
	}
	for _, wrong := range []string{app + "/4", app + "/0", app + "/x", "nobody/1"} {
		if r := s.order("restart", wrong); r.code != 2 {
			t.Errorf("%s: %+v", wrong, r)
		}
	}
}

// The stacks of a worker show the line that it runs, and it keeps running.
func TestDump(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: appDir(t, "lifecycle"), Args: []string{"-w", "1"}})
	g := newGate(t)
	waiting := s.background("/gate?path=" + g.path)
	s.waitLog(func(r record) bool { return r.str("message") == "at the gate" }, "the worker is at the gate")
	app := s.status().Apps[0]
	out := s.must("dump", app.Name+"/1")
	if !strings.HasPrefix(out, fmt.Sprintf("%s/1 pid %d\n", app.Name, app.Processes[0].Pid)) || !regexp.MustCompile(`app\.py:\d+ in gate: time\.sleep|app\.py", line \d+ in gate`).MatchString(out) {
		t.Errorf("%s", out)
	}
	g.open(t)
	if r := waiting.wait(t); r.Status != 200 {
		t.Errorf("%d", r.Status)
	}
	if r := s.want(200, "/pid"); r.Body != fmt.Sprint(app.Processes[0].Pid) {
		t.Errorf("another worker: %s", r.Body)
	}
	// In C code that keeps the interpreter's lock, faulthandler answers.
	s.background("/c-loop")
	s.waitLog(func(r record) bool { return r.str("message") == "in C" }, "the worker is in C")
	if out := s.must("dump", app.Name+"/1"); !strings.Contains(out, "in c_loop") {
		t.Errorf("%s", out)
	}
	_ = syscall.Kill(app.Processes[0].Pid, syscall.SIGKILL) // it would not stop
	if r := s.order("dump", app.Name+"/7"); r.code != 2 || !r.names(app.Name+"/7") {
		t.Errorf("%+v", r)
	}
}

// What comes while it is paused waits, longer than requests usually may, and then is
// answered.
func TestPause(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "3", "--queue-timeout", "5s"}}) // a worker for each: queue_timeout counts again after the pause
	s.must("pause")
	var waiting []*async
	for n := range 3 {
		waiting = append(waiting, s.background(fmt.Sprintf("/echo?%d", n)))
	}
	eventually(t, "all wait", func() bool { a := s.status().Apps[0]; return a.Waiting == 3 && a.Paused && a.Idle == 3 })
	time.Sleep(6 * time.Second) // more than the queue_timeout
	s.want(200, "/readyz")
	for _, w := range waiting {
		if !w.running() {
			t.Error("it did not wait")
		}
	}
	if a := s.status().Apps[0]; a.Served != 0 {
		t.Errorf("%+v", a)
	}
	s.must("resume")
	for n, w := range waiting {
		if r := w.wait(t); r.Status != 200 || !strings.HasPrefix(r.Body, fmt.Sprint(n)) {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	}
}

// stop returns when the process is gone, and a second one kills nothing.
func TestStopCommand(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "1"}})
	g := newGate(t)
	waiting := s.background("/gate?" + g.path)
	eventually(t, "it runs", func() bool { return s.status().Apps[0].Busy == 1 })
	path := s.controlSocket()
	var stops []*server
	for n := range 2 {
		if n > 0 {
			s.waitEvent("stopping")
			time.Sleep(1500 * time.Millisecond) // within a second a second SIGTERM is the same one
		}
		stops = append(stops, start(t, opts{Argv: []string{"{bin}", "stop"}, Args: []string{"--control", path}, Bare: true, NoWait: true}))
	}
	eventually(t, "both are there", func() bool {
		n := 0
		for _, r := range s.events("control") {
			if r.str("command") == "stop" {
				n++
			}
		}
		return n == 2
	})
	s.waitEvent("stopping")
	if !waiting.running() || stops[0].ended() || stops[1].ended() {
		t.Error("it did not wait for the request")
	}
	g.open(t)
	if r := waiting.wait(t); r.Status != 200 {
		t.Errorf("%d", r.Status)
	}
	for _, c := range stops {
		if code := c.wait(); code != 0 || strings.Join(c.access(), "") != "stopped" {
			t.Errorf("exit %d: %v %s", code, c.access(), c.stderrText())
		}
	}
	if code := s.wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
	if r := run(t, built.dir, nil, "status", "--control", path); r.code != 1 {
		t.Errorf("%+v", r)
	}
}
