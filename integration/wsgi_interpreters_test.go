package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// interpreters finds every Python this machine has that standpipe supports: by version name on the PATH, and pyenv's.
func interpreters(t testing.TB) []string {
	t.Helper()
	root := os.Getenv("PYENV_ROOT")
	if root == "" {
		root = filepath.Join(os.Getenv("HOME"), ".pyenv")
	}
	var candidates []string
	for minor := 8; minor <= 14; minor++ {
		version := fmt.Sprintf("3.%d", minor)
		for _, suffix := range []string{"", "t"} {
			found, _ := filepath.Glob(filepath.Join(root, "versions", version+".*"+suffix, "bin", "python"))
			candidates = append(candidates, found...)
			if path, err := exec.LookPath("python" + version + suffix); err == nil {
				candidates = append(candidates, path)
			}
		}
	}
	found, _ := filepath.Glob(filepath.Join(root, "versions", "pypy3*", "bin", "python"))
	candidates = append(candidates, found...)
	if path, err := exec.LookPath("pypy3"); err == nil {
		candidates = append(candidates, path)
	}
	var list []string
	seen := map[string]bool{}
	for _, path := range candidates {
		out, err := exec.Command(path, "-c", "import sys; print(sys.executable)").Output() // a pyenv shim for a version that is not selected fails here
		if err != nil {
			continue
		}
		real := strings.TrimSpace(string(out))
		if resolved, err := filepath.EvalSymlinks(real); err == nil && !seen[resolved] {
			seen[resolved] = true
			list = append(list, real)
		}
	}
	return list
}

// TestWSGIInterpreters: page, form, stream and errors on every interpreter found.
func TestWSGIInterpreters(t *testing.T) {
	onlyOver(t, "the interpreters are the subject", http1)
	t.Parallel()
	list := interpreters(t)
	if len(list) == 0 {
		t.Fatal("no interpreter of 3.8 to 3.14 found")
	}
	pypy := false
	for _, path := range list {
		t.Run(path, func(t *testing.T) {
			s := serveBehaviours(t, opts{App: "app:application", Dir: appDir(t, "wsgi_smoke"), Python: path, Args: []string{"-w", "1"}})
			version := s.want(200, "/version").Body
			t.Logf("%s: %s", version, path)
			pypy = pypy || strings.HasPrefix(version, "pypy")
			if r := s.want(200, "/"); r.Body != "page päge" {
				t.Errorf("page %q", r.Body)
			}
			if r := s.post("/form", "application/x-www-form-urlencoded", "name=w%C3%B6rld&x=1"); r.Status != 200 || r.Body != "hello wörld" {
				t.Errorf("form: %d %q", r.Status, r.Body)
			}
			if r := s.want(200, "/stream"); strings.Count(r.Body, "\n") != 1000 || !strings.HasSuffix(r.Body, "\n999\n") {
				t.Errorf("stream: %d bytes", len(r.Body))
			}
			if a := s.ask(t, "/error"); a.Status != 500 {
				t.Errorf("error: %d", a.Status)
			}
			r := s.waitLog(s.failureOf("/error"), "app_error")
			if !strings.Contains(r.str("traceback"), "failed on purpose") {
				t.Errorf("no traceback: %v", r)
			}
			if a, err := s.exchange(t, "/broken"); err == nil {
				t.Errorf("a broken answer looks whole: %+v", a)
			}
			s.want(200, "/")
			if r := s.waitEvent("app_ready"); !strings.Contains(r.str("python"), strings.Fields(version)[1]) {
				t.Errorf("app_ready does not name the version %s: %v", version, r)
			}
		})
	}
	t.Run("pypy", func(t *testing.T) {
		if !pypy {
			skip(t, "no-pypy", "no pypy3 on the PATH")
		}
	})
}
