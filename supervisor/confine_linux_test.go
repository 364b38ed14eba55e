package supervisor

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/supervisor/process"
)

func wantLines(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		re := regexp.MustCompile(`(?m)^` + strings.Join(strings.Fields(w), `\s+`) + `\s*(\w*)$`)
		if !re.MatchString(text) {
			t.Errorf("no line %q in\n%s", w, text)
		}
	}
}

const strayLines = "Uid: 23456 23456 23456 23456|Gid: 34567 34567 34567 34567|Groups: 34568 34569"

func TestIdentity(t *testing.T) {
	needRoot(t)
	p, _ := real(t, "plain", Options{Workers: 1, Command: func() (process.Command, error) {
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
	p, _ := real(t, "plain", Options{Workers: 1, Command: func() (process.Command, error) {
		c := self(t, "plain")
		c.Limits = process.Limits{Umask: &umask, Nice: &nice, AS: 8 << 30, Nofile: 77, Nproc: 5000, CPU: 99, NoNewPrivs: true}
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

func TestLimitsAndIdentity(t *testing.T) {
	needRoot(t)
	nice := -3
	p, _ := real(t, "plain", Options{Workers: 1, Command: func() (process.Command, error) {
		c := self(t, "plain")
		c.Dir, c.Identity, c.Limits = "/", &stray, process.Limits{Nice: &nice, NoNewPrivs: true}
		return c, nil
	}})
	body, err := ask(t.Context(), p, "/proc")
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, body, append(strings.Split(strayLines, "|"), "NoNewPrivs: 1")...)
}

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

// stray are numbers that no machine has an account for.
var stray = process.Identity{UID: 23456, GID: 34567, Groups: []uint32{34568, 34569}}
