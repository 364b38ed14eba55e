package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// makeVenv makes a virtual environment that has a module `tool` besides.
func makeVenv(t testing.TB, path string) {
	t.Helper()
	cmd := exec.Command("python3", "-m", "venv", "--without-pip", path)
	cmd.Env = cleanEnv(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lib, err := filepath.Glob(filepath.Join(path, "lib", "python3*", "site-packages"))
	if err != nil || len(lib) != 1 {
		t.Fatal(lib, err)
	}
	write(t, lib[0], map[string]string{"tool.py": "NAME = 'tool'\n"})
}

const usesTool = "import tool\n"

// A virtual environment is found where tutorials and templates have it: in the project's folder and above it.
func TestFault_A3_VirtualEnvironmentsAreFound(t *testing.T) {
	t.Parallel()
	for place, files := range map[string]map[string]string{
		".venv":    {"site/app.py": usesTool + hello("x")},
		"env":      {"site/wsgi.py": usesTool + hello("x")},
		"ENV":      {"site/src/shop/__init__.py": usesTool + hello("x")},
		"../.venv": {"site/manage.py": "", "site/mysite/__init__.py": "", "site/mysite/wsgi.py": usesTool + hello("x")},
		"../venv":  {"site/main.py": usesTool + hello("x")},
		"../env":   {"site/passenger_wsgi.py": usesTool + strings.Replace(hello("x"), "def app", "def application", 1)},
	} {
		t.Run(strings.ReplaceAll(place, "/", "_"), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(project(t, files), "site")
			makeVenv(t, filepath.Join(dir, place))
			s := start(t, opts{Dir: dir, Args: []string{"-w", "1"}})
			ready := s.waitEvent("app_ready")
			if got := ready.str("executable"); got != filepath.Join(dir, place, "bin", "python") {
				t.Errorf("the interpreter is %s", got)
			}
			if r := run(t, dir, nil, "check"); r.code != 0 || !holds(r.out, place) {
				t.Errorf("check: %+v", r)
			}
		})
	}
}

// A virtual environment of another name is not guessed; when the app does not start without it, it is named with its flag.
func TestFault_A3_OtherVirtualEnvironmentsAreNamed(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"py3", "../shop-env", "../../envs", "home/.virtualenvs/site", "home/.local/share/virtualenvs/site-Ab12"} {
		t.Run(strings.ReplaceAll(place, "/", "_"), func(t *testing.T) {
			t.Parallel()
			top := project(t, map[string]string{"a/site/app.py": usesTool + hello("x")})
			dir := filepath.Join(top, "a", "site")
			at := filepath.Join(dir, place)
			if strings.HasPrefix(place, "home/") {
				at = filepath.Join(top, place)
			}
			makeVenv(t, at)
			r := run(t, dir, []string{"HOME=" + filepath.Join(top, "home")}, "check", "--load")
			want := at
			if place == "py3" {
				want = "py3"
			}
			if r.code != 3 || !strings.Contains(r.out, "--venv "+want) {
				t.Fatalf("%+v", r)
			}
			if r := run(t, dir, nil, "check", "--load", "--venv", want); r.code != 0 {
				t.Errorf("with the flag that was named: %+v", r)
			}
		})
	}
}

// An environment that conda made for the project (`conda create -p ./env`) has no pyvenv.cfg.
func TestFault_A3_CondaEnvironmentsAreFound(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"env", "../.venv"} {
		t.Run(strings.ReplaceAll(place, "/", "_"), func(t *testing.T) {
			t.Parallel()
			top := project(t, map[string]string{"site/app.py": usesTool + hello("x")})
			dir := filepath.Join(top, "site")
			real := filepath.Join(t.TempDir(), "real")
			makeVenv(t, real)
			write(t, filepath.Join(dir, place), map[string]string{"conda-meta/history": "", "bin/README": ""})
			putProgram(t, filepath.Join(dir, place, "bin", "python"), []byte("#!/bin/sh\nexec "+filepath.Join(real, "bin", "python")+" \"$@\"\n"))
			if r := run(t, dir, nil, "check", "--load"); r.code != 0 || !holds(r.out, place) {
				t.Errorf("check: %+v", r)
			}
		})
	}
}

// A virtual environment whose Python has been removed is named as broken; its flag, which would not help, is not proposed.
func TestFault_A3_ABrokenEnvironmentIsNamed(t *testing.T) {
	t.Parallel()
	top := project(t, map[string]string{"site/app.py": usesTool + hello("x"), ".venv/pyvenv.cfg": "home = /usr/lib/python3.7\n", ".venv/bin/activate": ""})
	dir := filepath.Join(top, "site")
	if err := os.Symlink("/usr/lib/python3.7/gone", filepath.Join(top, ".venv", "bin", "python")); err != nil {
		t.Fatal(err)
	}
	r := run(t, dir, nil, "check", "--load")
	if r.code != 3 || !holds(r.out, filepath.Join(top, ".venv")) || strings.Contains(r.out, "--venv") {
		t.Errorf("%+v", r)
	}
}
