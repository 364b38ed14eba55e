package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// For scripts: text and JSON, of one app or of all; each with its exit code.
func TestTopOnce(t *testing.T) {
	t.Parallel()
	s := topped(t, "")
	asked := 0
	type object struct {
		Status  report
		Figures struct {
			Span float64 `json:"span_seconds"`
			Apps []struct {
				App   string
				Total int
				Whole struct{ P95 float64 }
			}
		}
	}
	read := func(text string) (o object) {
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return o
	}
	var o object
	eventually(t, "both are counted", func() bool {
		s.want(200, "/") // quantiles are those of the last ten seconds
		s.want(200, "/back/")
		asked++
		o = read(s.must("top", "--once", "--json"))
		return len(o.Figures.Apps) >= 2 && o.Figures.Apps[0].Whole.P95 > 0
	})
	if o.Status.Pid != s.Pid || o.Figures.Apps[0].App != "shop" || o.Figures.Apps[1].App != "back" || o.Figures.Apps[0].Total < 1 || o.Figures.Apps[0].Total > asked {
		t.Errorf("%+v", o)
	}
	if o := read(s.must("top", "back", "--once", "--json")); len(o.Status.Apps) != 1 || o.Status.Apps[0].Name != "back" {
		t.Errorf("%+v", o)
	}
	text := s.must("top", "--once")
	if !holds(text, "APP", "REQ/S", "P95", "shop/1", "shop/2", "back/1", fmt.Sprint(s.Pid)) || strings.Contains(text, "\x1b") {
		t.Errorf("%s", text)
	}
	if text := s.must("top", "--once", "back"); strings.Contains(text, "shop/1") || !holds(text, "back/1") {
		t.Errorf("%s", text)
	}
	for _, args := range [][]string{{"top"}, {"top", "nobody", "--once"}, {"top", "--interval", "1ms", "--once"}, {"top", "--interval", "x", "--once"}, {"top", "a", "b"}} {
		if r := s.order(args...); r.code != 2 || r.out != "" || r.errout == "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
	if r := s.order("top"); !r.names("--once", "--json") {
		t.Errorf("%+v", r)
	}
	if r := run(t, built.dir, nil, "top", "--once", "--control", filepath.Join(s.Cmd.Dir, "none.sock")); r.code != 1 || !r.names("none.sock") {
		t.Errorf("%+v", r)
	}
	// In a terminal that cannot show a screen.
	c := newScreen(t, 80, 24, nil, fmt.Sprintf("TERM=dumb %s top --control %s; echo code $?; read wait", built.binary, s.controlSocket()))
	if shown := c.until("code "); !holds(strings.ReplaceAll(shown, "\n", ""), "code 2", "--once", "dumb") {
		t.Errorf("%s", shown)
	}
	// Without UTF-8 and colours, a screen of ASCII.
	c = newScreen(t, 80, 24, []string{"LANG=C", "LC_ALL=C", "NO_COLOR=1"}, fmt.Sprintf("exec %s top --control %s", built.binary, s.controlSocket()))
	shown := c.until("shop", "whole")
	if i := strings.IndexFunc(shown, func(r rune) bool { return r > '~' }); i >= 0 {
		t.Errorf("%q in\n%s", shown[i:i+4], shown)
	}
	if coloured := c.tmux("capture-pane", "-p", "-e"); regexp.MustCompile(`\x1b\[[0-9;]*[34][0-7]m`).MatchString(coloured) {
		t.Errorf("%q", coloured)
	}
}

// A line of JSON every interval, until the reader goes or Ctrl-C.
func TestTopLines(t *testing.T) {
	t.Parallel()
	s := topped(t, "")
	cmd := exec.Command(built.binary, "top", "--json", "--interval", "200ms", "--control", s.controlSocket())
	cmd.Env = cleanEnv(t)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(out)
	var ats []string
	for range 3 {
		var o struct {
			Status  struct{ Pid int }
			Figures struct{ At string }
		}
		if err := dec.Decode(&o); err != nil || o.Status.Pid != s.Pid {
			t.Fatalf("%v %+v", err, o)
		}
		ats = append(ats, o.Figures.At)
	}
	if slices.Sort(ats); len(slices.Compact(ats)) != 3 {
		t.Errorf("%v", ats)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := exitCode(cmd); code != 130 {
		t.Errorf("exit %d", code)
	}
}

// The server of another folder is shown, and not changed unless it is named.
func TestTopElsewhere(t *testing.T) {
	t.Parallel()
	env, _ := runtimeFolder(t)
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": hello("x")}), Env: env, Args: []string{"-w", "1"}})
	elsewhere := project(t, map[string]string{"README": ""})
	if r := run(t, elsewhere, env, "top", "--once"); r.code == 2 && r.names(s.controlSocket()) {
		return // another server runs on this machine: none is taken
	}
	c := newScreen(t, 80, 24, env, fmt.Sprintf("cd %s; %s top"+exitStatus, elsewhere, built.binary))
	c.untilIt("the server is shown, or another one was started on this machine meanwhile", func(shown string) bool {
		b, _ := os.ReadFile(c.status)
		return len(b) > 0 || holds(shown, "pid "+fmt.Sprint(s.Pid))
	})
	if b, _ := os.ReadFile(c.status); len(b) > 0 {
		if c.ended() != "2" {
			t.Errorf("exit %s:\n%s", c.ended(), c.shown())
		}
		return
	}
	c.press("2", "x")
	c.until("--control")
	c.press("r", "y")
	c.press("q")
	if code := c.ended(); code != "0" {
		t.Errorf("exit %s", code)
	}
}
