package integration

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packagedTool makes the wheel of a distribution `tool` with one module, which apps import: what an environment has besides standpipe.
func packagedTool(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	tool(t, dir, nil, "python", "-c", `
import zipfile
with zipfile.ZipFile("tool-1.0-py3-none-any.whl", "w") as archive:
    archive.writestr("tool.py", "NAME = 'tool'\n")
    archive.writestr("tool-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n")
    archive.writestr("tool-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    archive.writestr("tool-1.0.dist-info/RECORD", "tool.py,,\ntool-1.0.dist-info/METADATA,,\ntool-1.0.dist-info/WHEEL,,\ntool-1.0.dist-info/RECORD,,\n")
`)
	return filepath.Join(dir, "tool-1.0-py3-none-any.whl")
}

// usesAll is an app that says which Python runs it and what it imports.
const usesAll = `import sys
import tool
from standpipe import after_response, on_fork
seen = []
on_fork(lambda: seen.append("fork"))
def app(environ, start_response):
    after_response(lambda: seen.append("after"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [" ".join([sys.prefix] + seen).encode()]
`

// served starts argv, which begins with the way to standpipe, for an app that uses tool; it returns the prefix of the Python
// that runs the app.
func served(t *testing.T, dir string, env []string, argv ...string) string {
	t.Helper()
	if !strings.Contains(argv[0], "/") {
		argv[0] = filepath.Join(must(t)(packagers()), argv[0])
	}
	s := start(t, opts{Dir: dir, Env: env, Argv: append(argv, "serve"), Args: []string{"-w", "1"}, Exit: -1})
	prefix, rest, _ := strings.Cut(s.want(http.StatusOK, "/").Body, " ")
	if rest != "fork" {
		t.Errorf("the app's functions: %q", rest)
	}
	if got := s.want(http.StatusOK, "/").Body; got != prefix+" fork after" {
		t.Errorf("the second answer: %q", got)
	}
	return prefix
}

// uvEnv is the environment of uv, pipx and poetry: nothing of the user's, no network.
func uvEnv(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	env := []string{
		"HOME=" + dir, "UV_CACHE_DIR=" + filepath.Join(dir, "uv"), "UV_PYTHON_DOWNLOADS=never", "UV_OFFLINE=1", "UV_NO_CONFIG=1",
		"UV_TOOL_DIR=" + filepath.Join(dir, "tools"), "UV_TOOL_BIN_DIR=" + filepath.Join(dir, "bin"), "PIPX_HOME=" + filepath.Join(dir, "pipx"),
		"PIPX_BIN_DIR=" + filepath.Join(dir, "bin"), "POETRY_CACHE_DIR=" + filepath.Join(dir, "poetry"), "POETRY_CONFIG_DIR=" + dir,
		"PIP_NO_INDEX=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring",
	}
	for _, name := range []string{"SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"} {
		if v := os.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// newVenv makes an environment with tool, if it is not empty.
func newVenv(t *testing.T, path, wheel string) {
	t.Helper()
	cmd := exec.Command("python3", "-m", "venv", "--without-pip", path)
	cmd.Env = cleanEnv(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if wheel != "" {
		tool(t, filepath.Dir(path), nil, "pip", "--python", path, "install", "--no-index", wheel)
	}
}

func TestWheelIntoVenv(t *testing.T) {
	t.Parallel()
	dir, wheel := project(t, map[string]string{"app.py": usesAll}), must(t)(theWheel())
	env := filepath.Join(t.TempDir(), "env")
	newVenv(t, env, packagedTool(t))
	write(t, dir, map[string]string{"requirements.txt": "standpipe @ file://" + wheel + " --hash=sha256:" + fileSum(t, wheel) + "\n"})
	tool(t, dir, nil, "pip", "--python", env, "install", "--no-index", "--require-hashes", "-r", "requirements.txt")
	if got := served(t, dir, nil, filepath.Join(env, "bin", "standpipe")); got != env {
		t.Errorf("%s, not %s", got, env)
	}
	t.Run("python -m", func(t *testing.T) {
		t.Parallel()
		if got := served(t, dir, []string{"VIRTUAL_ENV=/nowhere"}, filepath.Join(env, "bin", "python"), "-m", "standpipe"); got != env {
			t.Errorf("%s, not %s", got, env)
		}
	})
	t.Run("a link to the program", func(t *testing.T) {
		t.Parallel()
		link := filepath.Join(t.TempDir(), "standpipe")
		if err := os.Symlink(filepath.Join(env, "bin", "standpipe"), link); err != nil {
			t.Fatal(err)
		}
		if got := served(t, dir, nil, link); got != env {
			t.Errorf("%s, not %s", got, env)
		}
	})
	t.Run("uninstall", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "env")
		newVenv(t, other, wheel)
		tool(t, dir, nil, "pip", "--python", other, "uninstall", "--yes", "standpipe")
		left, err := filepath.Glob(filepath.Join(other, "lib", "*", "site-packages", "*"))
		if _, gone := os.Stat(filepath.Join(other, "bin", "standpipe")); err != nil || len(left) > 0 || gone == nil {
			t.Errorf("left: %v", left)
		}
	})
}

// Where the app's Python has no package standpipe, the server's own module has the same names.
func TestWheelElsewhere(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": usesAll})
	newVenv(t, filepath.Join(dir, ".venv"), packagedTool(t))
	if got := served(t, dir, nil, built.binary); got != filepath.Join(dir, ".venv") {
		t.Error(got)
	}
}

// find_standpipe_bin and `python -m standpipe` find the program in each of the layouts that installers make.
func TestWheelIsFoundByItsPackage(t *testing.T) {
	t.Parallel()
	dir, wheel := t.TempDir(), must(t)(theWheel())
	python := filepath.Join(must(t)(packagers()), "python")
	version := strings.TrimSpace(tool(t, dir, nil, "python", "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"))
	pip := []string{"pip", "install", "--no-index", "--no-deps", "--ignore-installed"}
	for name, c := range map[string]struct {
		args []string
		env  string
		want string
	}{
		"--target": {[]string{"--target", "target"}, "PYTHONPATH=" + dir + "/target", "target/bin/standpipe"},
		"--prefix": {[]string{"--prefix", "prefix"}, "PYTHONPATH=" + dir + "/prefix/lib/" + version + "/site-packages", "prefix/bin/standpipe"},
	} {
		tool(t, dir, nil, append(append(slices.Clone(pip), c.args...), wheel)...)
		got := tool(t, dir, []string{c.env}, python, "-c", "import standpipe; print(standpipe.find_standpipe_bin())")
		if strings.TrimSpace(got) != filepath.Join(dir, c.want) {
			t.Errorf("%s: %s", name, got)
		}
		if got := tool(t, dir, []string{c.env}, python, "-m", "standpipe", "version"); !strings.HasPrefix(got, "standpipe ") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// `pip install --target` and `--user` leave no Python beside the program: the app runs on python3 of PATH.
func TestWheelWithoutPythonBesideIt(t *testing.T) {
	t.Parallel()
	wheel, extra := must(t)(theWheel()), packagedTool(t)
	pip := []string{"pip", "install", "--no-index", "--ignore-installed"}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	python = strings.TrimSpace(tool(t, t.TempDir(), nil, python, "-c", "import sys; print(sys.executable)"))
	prefix := strings.TrimSpace(tool(t, t.TempDir(), nil, python, "-c", "import sys; print(sys.prefix)"))
	t.Run("--target", func(t *testing.T) {
		t.Parallel()
		dir := project(t, map[string]string{"app.py": usesAll})
		target := filepath.Join(t.TempDir(), "target")
		tool(t, dir, nil, append(slices.Clone(pip), "--target", target, wheel, extra)...)
		if got := served(t, dir, []string{"PYTHONPATH=" + target}, filepath.Join(target, "bin", "standpipe")); got != prefix {
			t.Error(got)
		}
	})
	t.Run("--user", func(t *testing.T) {
		t.Parallel()
		dir := project(t, map[string]string{"app.py": usesAll})
		base := filepath.Join(t.TempDir(), "local")
		env := []string{"PYTHONUSERBASE=" + base}
		tool(t, dir, env, "pip", "--python", python, "install", "--no-index", "--user", "--break-system-packages", wheel, extra)
		if got := served(t, dir, env, filepath.Join(base, "bin", "standpipe")); got != prefix {
			t.Error(got)
		}
	})
}

// A conda environment has no pyvenv.cfg; conda itself cannot be had from the package index, so its layout is made here.
func TestWheelIntoConda(t *testing.T) {
	t.Parallel()
	dir, env := project(t, map[string]string{"app.py": usesAll}), filepath.Join(t.TempDir(), "conda")
	newVenv(t, env, packagedTool(t))
	tool(t, dir, nil, "pip", "--python", env, "install", "--no-index", must(t)(theWheel()))
	real := filepath.Join(t.TempDir(), "real")
	if err := os.Rename(env, real); err != nil {
		t.Fatal(err)
	}
	write(t, env, map[string]string{"conda-meta/history": "", "bin/README": ""})
	putProgram(t, filepath.Join(env, "bin", "python"), []byte("#!/bin/sh\nexec "+real+"/bin/python \"$@\"\n"))
	for _, c := range [][2]string{{"bin/standpipe", "bin/standpipe"}, {"lib", "lib"}} {
		if err := os.Rename(filepath.Join(real, c[0]), filepath.Join(env, c[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(env, "lib"), filepath.Join(real, "lib")); err != nil {
		t.Fatal(err)
	}
	if got := served(t, dir, nil, filepath.Join(env, "bin", "standpipe")); got != real {
		t.Error(got)
	}
}

// uvx, `uv tool` and pipx put standpipe into an environment without the app's packages: the project's own environment is taken, and
// where there is none the start says so.
func TestWheelAsATool(t *testing.T) {
	t.Parallel()
	wheel, extra := must(t)(theWheel()), packagedTool(t)
	for name, argv := range map[string][]string{
		"uvx":      {"uvx", "--from", wheel, "standpipe"},
		"uv tool":  {"{bin}/standpipe"},
		"pipx run": {"pipx", "run", "--spec", wheel, "standpipe"},
		"pipx":     {"{bin}/standpipe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, env := project(t, map[string]string{"app.py": usesAll}), uvEnv(t)
			switch name {
			case "uv tool":
				tool(t, dir, env, "uv", "tool", "install", wheel)
			case "pipx":
				tool(t, dir, env, "pipx", "install", wheel)
			}
			bin := strings.TrimPrefix(env[slices.IndexFunc(env, func(v string) bool { return strings.HasPrefix(v, "PIPX_BIN_DIR=") })], "PIPX_BIN_DIR=")
			argv = slices.Clone(argv)
			argv[0] = strings.ReplaceAll(argv[0], "{bin}", bin)
			if !strings.Contains(argv[0], "/") {
				argv[0] = filepath.Join(must(t)(packagers()), argv[0])
			}
			cmd := exec.Command(argv[0], append(argv[1:], "check", "--load")...)
			cmd.Dir, cmd.Env = dir, append(cleanEnv(t), env...)
			out, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != 3 || !strings.Contains(string(out), "imports tool") || !strings.Contains(string(out), ".venv/bin/pip install tool") {
				t.Errorf("without an environment: %v\n%s", err, out)
			}
			newVenv(t, filepath.Join(dir, ".venv"), extra)
			if got := served(t, dir, env, argv...); got != filepath.Join(dir, ".venv") {
				t.Error(got)
			}
		})
	}
	t.Run("uvx --with", func(t *testing.T) {
		t.Parallel()
		dir, env := project(t, map[string]string{"app.py": usesAll}), uvEnv(t)
		if got := served(t, dir, env, "uvx", "--from", wheel, "--with", extra, "standpipe"); !strings.Contains(got, "archive-v0") {
			t.Error(got)
		}
	})
}

// `uv run` and `poetry run` name the environment themselves.
func TestWheelInAProject(t *testing.T) {
	t.Parallel()
	wheel, extra := must(t)(theWheel()), packagedTool(t)
	site := "[project]\nname = \"site\"\nversion = \"1\"\nrequires-python = \">=3.8\"\n"
	t.Run("uv run", func(t *testing.T) {
		t.Parallel()
		dir, env := project(t, map[string]string{"app.py": usesAll, "pyproject.toml": site}), uvEnv(t)
		tool(t, dir, env, "uv", "add", extra)
		t.Run("--with", func(t *testing.T) {
			if got := served(t, dir, env, "uv", "run", "--with", wheel, "standpipe"); got == filepath.Join(dir, ".venv") {
				t.Error(got) // uv puts a layer over it
			}
		})
		tool(t, dir, env, "uv", "add", wheel)
		if got := served(t, dir, env, "uv", "run", "standpipe"); got != filepath.Join(dir, ".venv") {
			t.Error(got)
		}
		if got := served(t, dir, env, filepath.Join(dir, ".venv", "bin", "standpipe")); got != filepath.Join(dir, ".venv") {
			t.Error(got)
		}
	})
	t.Run("poetry run", func(t *testing.T) {
		t.Parallel()
		text := site + "dependencies = [\"standpipe @ file://" + wheel + "\", \"tool @ file://" + extra + "\"]\n[tool.poetry]\npackage-mode = false\n"
		dir, env := project(t, map[string]string{"app.py": usesAll, "pyproject.toml": text}), uvEnv(t)
		tool(t, dir, env, "poetry", "install", "--no-interaction")
		at := strings.TrimSpace(tool(t, dir, env, "poetry", "env", "info", "--path"))
		if got := served(t, dir, env, "poetry", "run", "standpipe"); got != at {
			t.Errorf("%s, not %s", got, at)
		}
		if got := served(t, dir, env, filepath.Join(at, "bin", "standpipe")); got != at {
			t.Errorf("by its path: %s, not %s", got, at)
		}
	})
}
