package supervisor

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIP[root]: needs root")
	}
	for dir := filepath.Dir(os.Args[0]); dir != "/"; dir = filepath.Dir(dir) { // others have to run the test binary
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if dir == os.TempDir() || filepath.Dir(dir) == os.TempDir() {
			break
		}
	}
}

// wantLines looks for lines whose fields are those of want.
func wantLines(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		re := regexp.MustCompile(`(?m)^` + strings.Join(strings.Fields(w), `\s+`) + `\s*(\w*)$`)
		if !re.MatchString(text) {
			t.Errorf("no line %q in\n%s", w, text)
		}
	}
}

// stray are numbers that no machine has an account for.
var stray = Identity{UID: 23456, GID: 34567, Groups: []uint32{34568, 34569}}

const strayLines = "Uid: 23456 23456 23456 23456|Gid: 34567 34567 34567 34567|Groups: 34568 34569"

func TestIdentity(t *testing.T) {
	needRoot(t)
	p, _ := real(t, "plain", Options{Workers: 1, Command: func() (Command, error) {
		c := self(t, "plain")
		c.Dir, c.Identity = "/", &stray
		return c, nil
	}})
	body, err := ask(t.Context(), p, "/proc")
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, body, strings.Split(strayLines, "|")...)
}

func TestLimits(t *testing.T) {
	umask, nice := 0o027, 7
	p, _ := real(t, "plain", Options{Workers: 1, Command: func() (Command, error) {
		c := self(t, "plain")
		c.Limits = Limits{Umask: &umask, Nice: &nice, AS: 8 << 30, Nofile: 77, Nproc: 5000, CPU: 99, NoNewPrivs: true}
		return c, nil
	}})
	body, err := ask(t.Context(), p, "/proc")
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, body, "Umask: 0027", "NoNewPrivs: 1", "Max open files 77 77 files", "Max processes 5000 5000 processes",
		"Max cpu time 99 100 seconds", "Max address space 8589934592 8589934592 bytes")
	if f := strings.Fields(body[strings.LastIndexByte(body[:strings.LastIndex(body, ") ")], '\n')+1:]); len(f) < 19 || f[18] != "7" {
		t.Errorf("not nice: %q", f)
	}
	if !strings.Contains(body, "Uid:") || strings.Contains(body, "\x00") {
		t.Errorf("%q", body)
	}
}

// The limits are set while we still may, and the user is changed afterwards.
func TestLimitsAndIdentity(t *testing.T) {
	needRoot(t)
	nice := -3
	p, _ := real(t, "plain", Options{Workers: 1, Command: func() (Command, error) {
		c := self(t, "plain")
		c.Dir, c.Identity, c.Limits = "/", &stray, Limits{Nice: &nice, NoNewPrivs: true}
		return c, nil
	}})
	body, err := ask(t.Context(), p, "/proc")
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, body, append(strings.Split(strayLines, "|"), "NoNewPrivs: 1")...)
}

func TestWhatCannotBeAppliedIsSaid(t *testing.T) {
	nice := 5
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	for _, c := range []struct {
		command Command
		want    string
	}{
		{Command{Dir: "/", Limits: Limits{Nice: &nice}, Args: []string{garbage}}, "the command " + garbage},
		{Command{Dir: "/nowhere", Limits: Limits{Nice: &nice}, Args: []string{"/bin/true"}}, "the app's dir"},
		{Command{Dir: "/", Limits: Limits{Nofile: 1 << 40}, Args: []string{"/bin/true"}}, "limit_nofile"},
		{Command{Dir: "/", Cgroup: &Cgroup{Path: "/nowhere/leaf", PidsMax: 9}, Args: []string{"/bin/true"}}, "the control group /nowhere/leaf"},
	} {
		_, err := Exec{}.Spawn(c.command)
		if !errors.As(err, new(*confineError)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.command, err)
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
