package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever an app, a C library or a child writes lands in the log, with the worker's name, and never among the frames.
func TestOutputIsLogged(t *testing.T) {
	t.Parallel()
	venv := noisyVenv(t)
	s := lifecycle(t, 1, opts{Args: []string{"--venv", venv}})
	s.printed("pth speaks")
	for path, line := range map[string]string{
		"/print": "by print", "/system": "by os.system", "/puts": "by C puts", "/stderr": "by stderr", "/fd1": "by fd 1",
		"/log": "by logging", "/frames": `\xc1`,
	} {
		s.want(200, path)
		var r record
		if path == "/frames" { // how unprintable bytes are written is the log's business: that the worker lives is ours
			s.want(200, "/pid")
			continue
		}
		r = s.printed(line)
		level := "info"
		if path == "/log" {
			level = "warn"
		}
		if r.str("app") == "" || r.str("worker") == "" || r.str("pid") == "" || r.str("level") != level {
			t.Errorf("%s: %v", path, r)
		}
	}
	if r := s.events("worker_exit"); len(r) > 0 {
		t.Errorf("%v", r)
	}
	for _, line := range s.access() {
		if strings.Contains(line, "by ") {
			t.Errorf("output in the access log: %s", line)
		}
	}
}

// A print is in the log while the request still runs.
func TestPrintIsPrompt(t *testing.T) {
	t.Parallel()
	s := lifecycle(t, 1, opts{})
	g := newGate(t)
	a := s.background("/print?mark=prompt&path=" + g.path)
	s.printed("by print prompt")
	if !a.running() {
		t.Error("the line came only with the end of the request")
	}
	g.open(t)
	a.wait(t)
}

// noisyVenv is a venv whose .pth file prints on stdout before the shim has run a line.
func noisyVenv(t *testing.T) string {
	t.Helper()
	venv := filepath.Join(t.TempDir(), "venv")
	cmd := exec.Command("python3", "-m", "venv", "--without-pip", venv)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("python3 -m venv: %v\n%s", err, out)
	}
	dirs, err := filepath.Glob(filepath.Join(venv, "lib", "*", "site-packages"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no site-packages in %s: %v", venv, err)
	}
	pth := "import sys; sys.stdout.write('pth speaks\\n'); sys.stdout.flush()\n"
	if err := os.WriteFile(filepath.Join(dirs[0], "noise.pth"), []byte(pth), 0o644); err != nil {
		t.Fatal(err)
	}
	return venv
}
