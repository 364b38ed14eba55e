package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// screen is a program in a terminal of tmux: a real one, with its own idea of how wide characters are.
type screen struct {
	t      testing.TB
	socket string // of the tmux server, which ends with the test
	status string // a file: the program's exit code
}

// newScreen runs a shell's command line in a terminal of that size.
func newScreen(t testing.TB, w, h int, env []string, command string) *screen {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		skip(t, "no-program", "tmux")
	}
	dir, err := os.MkdirTemp("", "sp-tmux-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, socket: filepath.Join(dir, "s"), status: filepath.Join(dir, "status")}
	t.Cleanup(func() { // also ends what runs in it
		_ = exec.Command("tmux", "-S", s.socket, "kill-server").Run()
		_ = os.RemoveAll(dir)
	})
	config := filepath.Join(dir, "conf")
	if err := os.WriteFile(config, []byte("set -g remain-on-exit on\nset -g default-terminal tmux-256color\nset -s escape-time 0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tmux", "-S", s.socket, "-f", config, "-u", "new-session", "-d", "-x", fmt.Sprint(w), "-y", fmt.Sprint(h), command)
	cmd.Env = append(append(cleanEnv(t), env...), "SCREEN_STATUS="+s.status)
	cmd.Dir = built.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	return s
}

// pid is that of the program, if it is not the shell's child.
func (s *screen) pid() int {
	s.t.Helper()
	n, err := strconv.Atoi(s.about("pane_pid"))
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", s.socket, "-u"}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// about is what tmux knows of the terminal: alternate_on, cursor_flag, pane_dead, pane_width.
func (s *screen) about(name string) string {
	s.t.Helper()
	return strings.TrimSpace(s.tmux("display-message", "-p", "#{"+name+"}"))
}

// press types keys, by tmux's names: a, Enter, Escape, Down, C-z.
func (s *screen) press(keys ...string) {
	s.t.Helper()
	s.tmux(append([]string{"send-keys"}, keys...)...)
}

// shown is the text of the terminal.
func (s *screen) shown() string { s.t.Helper(); return s.tmux("capture-pane", "-p") }

// until waits until all of the texts are shown.
func (s *screen) until(texts ...string) string {
	s.t.Helper()
	return s.untilIt(fmt.Sprintf("%q are shown", texts), func(shown string) bool { return holds(shown, texts...) })
}

func (s *screen) untilIt(what string, is func(shown string) bool) string {
	s.t.Helper()
	last := ""
	defer func() {
		if s.t.Failed() {
			s.t.Logf("the screen:\n%s", last)
		}
	}()
	eventually(s.t, what, func() bool {
		last = s.shown()
		return is(last)
	})
	return last
}

// ended is the exit code of a program whose command line ends with exitStatus, when it has ended. tmux does not always know one.
func (s *screen) ended() string {
	s.t.Helper()
	status := ""
	eventually(s.t, "the program has ended", func() bool {
		b, _ := os.ReadFile(s.status) // the shell makes it
		status = strings.TrimSpace(string(b))
		return status != "" && s.about("pane_dead") == "1"
	})
	return status
}

// exitStatus is the end of a command line whose exit code ended tells.
const exitStatus = "; echo $? >$SCREEN_STATUS"
