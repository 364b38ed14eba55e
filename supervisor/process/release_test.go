package process

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRealPaths(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"r1/bin/python3.12", "r1/venv/pyvenv.cfg", "r1/venv/bin/x", "shims/mise"} {
		path := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{
		"current": "r1", "r1/bin/python3": "python3.12", "python": "current/bin/python3", "r1/venv/bin/python": "../../bin/python3",
		"shims/python": "mise", "loop": "loop", "broken": "nowhere",
	} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"current": "r1", "current/lib": "r1/lib", "current/a/b": "r1/a/b", "r1": "r1", "none/at/all": "none/at/all", "broken": "broken",
	} {
		if got := RealPath(filepath.Join(root, path)); got != filepath.Join(root, want) {
			t.Errorf("RealPath(%s) = %s", path, got)
		}
	}
	for path, want := range map[string]string{
		"current/bin/python3": "r1/bin/python3.12", "python": "r1/bin/python3.12", "current/venv/bin/python": "r1/venv/bin/python",
		"shims/python": "shims/python", "current/bin/none": "r1/bin/none",
	} {
		if got := RealProgram(filepath.Join(root, path)); got != filepath.Join(root, want) {
			t.Errorf("RealProgram(%s) = %s", path, got)
		}
	}
	RealProgram(filepath.Join(root, "loop")) // ends
}
