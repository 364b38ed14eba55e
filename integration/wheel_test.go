package integration

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// packagers is the folder of the programs of requirements-packagers.txt: pip, uv, pipx, poetry, twine.
var packagers = sync.OnceValues(func() (string, error) {
	base := filepath.Join(repoDir(), ".cache", "testenv", "bin", "python")
	if _, err := os.Stat(base); err != nil {
		base = "python3"
	}
	dir := filepath.Join(repoDir(), ".cache", "packagers")
	cmd := exec.Command(filepath.Join(repoDir(), "integration", "testenv.sh"), base, "integration/requirements-packagers.txt", dir)
	cmd.Dir = repoDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return filepath.Join(dir, "bin"), nil
})

// theWheel is the wheel of the program under test.
var theWheel = sync.OnceValues(func() (string, error) { return makeWheel(filepath.Join(built.dir, "wheel")) })

func makeWheel(out string) (string, error) {
	cmd := exec.Command("python3", "packaging/wheel.py", "--binary", built.binary, "--out", out)
	cmd.Dir = repoDir()
	text, err := cmd.Output()
	if ee, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", errors.New(string(ee.Stderr))
	}
	return strings.TrimSpace(string(text)), err
}

// must fails the test on an error of OnceValues.
func must(t testing.TB) func(string, error) string {
	return func(path string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
}

// tool runs a program of packagers, or one with its path, to its end; it fails the test when the program does.
func tool(t testing.TB, dir string, env []string, argv ...string) string {
	t.Helper()
	if !strings.Contains(argv[0], "/") {
		argv[0] = filepath.Join(must(t)(packagers()), argv[0])
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(cleanEnv(t), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
	return string(out)
}

func TestWheelIsWhatTheIndexWants(t *testing.T) {
	t.Parallel()
	wheel, dir := must(t)(theWheel()), t.TempDir()
	tool(t, dir, nil, "twine", "check", "--strict", wheel)
	tool(t, dir, nil, "check-wheel-contents", wheel)
	tool(t, dir, nil, "python", "-c", `
import sys
sys.path.insert(0, sys.argv[1])
import metadata
from trove_classifiers import classifiers
assert set(metadata.CLASSIFIERS) <= set(classifiers), set(metadata.CLASSIFIERS) - set(classifiers)
for given, want in {"1.2.3": "1.2.3", "v1.2.0-rc.1": "1.2.0rc1", "1.0.0-alpha.2": "1.0.0a2", "1.0.0-dev.3": "1.0.0.dev3", "1.0.0rc1": "1.0.0rc1"}.items():
    assert metadata.canonical(given) == want, given
for bad in ("1", "1.2", "1.2.3+local", "1.2.3-x", ""):
    try:
        metadata.canonical(bad)
    except ValueError:
        continue
    raise AssertionError(bad)
`, filepath.Join(repoDir(), "packaging"))
}

func TestWheelHoldsTheBinary(t *testing.T) {
	t.Parallel()
	wheel := must(t)(theWheel())
	r, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	binary, err := os.ReadFile(built.binary)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.File {
		name := f.Name
		_, after, _ := strings.Cut(name, ".dist-info/")
		switch {
		case strings.HasSuffix(name, ".data/scripts/standpipe"):
			if f.Mode() != 0o755 || !slices.Equal(content(t, f), binary) {
				t.Errorf("%s has mode %v, or is not the binary", name, f.Mode())
			}
			after = "binary"
		case f.Mode() != 0o644:
			t.Errorf("%s has mode %v", name, f.Mode())
		case after == "WHEEL" && strings.Contains(wheel, "x86_64"):
			for _, tag := range []string{"py3-none-manylinux_2_17_x86_64", "py3-none-musllinux_1_1_x86_64"} {
				if !strings.Contains(string(content(t, f)), "Tag: "+tag+"\n") {
					t.Errorf("WHEEL has no tag %s", tag)
				}
			}
		case after == "METADATA":
			for _, want := range []string{"Metadata-Version: 2.4", "Requires-Python: >=3.8", "License-Expression: MIT AND Apache-2.0", "License-File: LICENSE"} {
				if !strings.Contains(string(content(t, f)), "\n"+want) && !strings.HasPrefix(string(content(t, f)), want) {
					t.Errorf("METADATA lacks %s", want)
				}
			}
			if !strings.Contains(string(content(t, f)), "/terminal.svg?raw=true)") {
				t.Error("METADATA: the README's picture is a link to a page, not to the picture")
			}
		case after == "licenses/THIRD_PARTY_LICENSES":
			for _, want := range []string{"Go standard library", "github.com/vmihailenco/msgpack/v5 v"} {
				if !strings.Contains(string(content(t, f)), want) {
					t.Errorf("%s lacks %s", name, want)
				}
			}
		}
		if after == "" {
			after = name
		}
		names = append(names, after)
	}
	want := []string{
		"standpipe/__init__.py", "standpipe/__main__.py", "standpipe/_control.py", "standpipe/_find.py", "standpipe/py.typed", "binary",
		"METADATA", "WHEEL", "licenses/LICENSE", "licenses/THIRD_PARTY_LICENSES", "RECORD",
	}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
}

func content(t *testing.T, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func fileSum(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func TestWheelIsReproducible(t *testing.T) {
	t.Parallel()
	first := must(t)(theWheel())
	second := must(t)(makeWheel(t.TempDir()))
	if fileSum(t, first) != fileSum(t, second) {
		t.Error("two builds differ")
	}
	var sdists []string
	for range 2 {
		dir := t.TempDir()
		out := tool(t, repoDir(), nil, "python", "packaging/sdist.py", "--out", dir)
		sdists = append(sdists, fileSum(t, strings.TrimSpace(out)))
		tool(t, dir, nil, "twine", "check", "--strict", strings.TrimSpace(out))
	}
	if sdists[0] != sdists[1] {
		t.Error("two source distributions differ")
	}
}

// Without a wheel that fits, pip takes the source distribution: Go builds it, or one sentence says what to do.
func TestSourceDistribution(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sdist := strings.TrimSpace(tool(t, repoDir(), nil, "python", "packaging/sdist.py", "--version", "9.8.7-rc.6", "--out", dir))
	makeVenv(t, filepath.Join(dir, "env"))
	install := func(path string) ([]byte, error) {
		cmd := exec.Command(filepath.Join(must(t)(packagers()), "pip"), "--python", filepath.Join(dir, "env"), "install", "--no-index", "--no-cache-dir", sdist)
		for _, v := range os.Environ() {
			if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "GO") || name == "HOME" { // Go's caches
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, "PATH="+path)
		return cmd.CombinedOutput()
	}
	bare := t.TempDir() // pip needs no program
	out, err := install(bare)
	if err == nil || !strings.Contains(string(out), "x86_64, aarch64, armv7l") || strings.Contains(string(out), "Traceback") {
		t.Errorf("without Go: %v\n%s", err, out)
	}
	if out, err := install(built.path); err != nil {
		t.Fatalf("with Go: %v\n%s", err, out)
	}
	if out := tool(t, dir, nil, filepath.Join(dir, "env", "bin", "standpipe"), "version"); !strings.HasPrefix(out, "standpipe 9.8.7rc6 ") {
		t.Error(out)
	}
}

// The package is typed: mypy knows what a decorated function is.
func TestWheelIsTyped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := filepath.Join(dir, "env")
	makeVenv(t, env)
	tool(t, dir, nil, "pip", "--python", env, "install", "--no-index", must(t)(theWheel()))
	write(t, dir, map[string]string{
		"good.py": "import standpipe\n\n\n@standpipe.on_fork\ndef connect() -> int:\n    return 1\n\n\nstandpipe.after_response(lambda: print(connect() + 1))\nbin: str = standpipe.find_standpipe_bin()\ntry:\n    removed: int = standpipe.purge(groups={\"product-1\"}, soft=True)\nexcept (standpipe.RequestTimeout, standpipe.ClientGone, standpipe.PurgeError):\n    pass\n",
		"bad.py":  "import standpipe\n\nstandpipe.on_fork(7)\n",
	})
	python := filepath.Join(env, "bin", "python")
	tool(t, dir, nil, "mypy", "--strict", "--python-executable", python, "good.py")
	cmd := exec.Command(filepath.Join(must(t)(packagers()), "mypy"), "--strict", "--python-executable", python, "bad.py")
	cmd.Dir, cmd.Env = dir, cleanEnv(t)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "bad.py:3") {
		t.Errorf("%v: %s", err, out)
	}
}
