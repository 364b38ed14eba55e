package integration

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for a condition. It is a guard against hanging, never a claim about speed: the tests have to pass
// beside eight busy loops on two cores.
const patience = 2 * time.Minute

// bootPatience bounds the wait for an app's first ready or failed, and for whole commands.
const bootPatience = 5 * time.Minute

// bootQueue is the queue_timeout of tests that ask again after a worker has gone: on a busy machine the next one needs longer
// than the 10 s of the default for its imports.
const bootQueue = "2m"

// endPatience bounds the wait for the end of a server whose stop budget is 25 s.
const endPatience = 2 * time.Minute

// built is what TestMain prepared for all tests; written once, before the first test.
var built struct {
	binary string // the standpipe program under test
	dir    string // removed at the end
	path   string // PATH for the servers
}

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "standpipe-it-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	_ = os.Unsetenv("TZ") // the programs under test do not get it: times are written in the machine's zone, here too
	syscall.Umask(0o022)  // whatever the developer's is: servers of other users read what the tests write
	// Workers under another uid must be able to reach the program and the runtime folders below.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	built.dir = dir
	if err := chooseFamily(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	closeOnExec()
	built.path = searchPath()
	built.binary = os.Getenv("STANDPIPE_BIN")
	if built.binary != "" {
		if built.binary, err = filepath.Abs(built.binary); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}
	built.binary = filepath.Join(dir, "standpipe")
	cmd := exec.Command("go", "build", "-trimpath", "-o", built.binary, "./cmd/standpipe")
	cmd.Dir = repoDir()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build ./cmd/standpipe: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// closeOnExec keeps what the tests' own parent has left open (a jobserver's pipes, an editor's) out of the servers: a
// test that counts descriptors must not depend on the process that started it.
func closeOnExec() {
	dirs, _ := os.ReadDir("/proc/self/fd")
	for _, d := range dirs {
		if fd, err := strconv.Atoi(d.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

// searchPath is our PATH, with the folder of the real python3 in front when python3 is a version manager's script: such
// scripts cost 0.1 s a start and look for the developer's home folder.
func searchPath() string {
	path := os.Getenv("PATH")
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	found, lookErr := exec.LookPath("python3")
	if err != nil || lookErr != nil || !strings.Contains(found, "/shims/") {
		return path
	}
	return filepath.Dir(strings.TrimSpace(string(out))) + ":" + path
}

// repoDir is the folder of go.mod: the tests run in integration/.
func repoDir() string {
	wd, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Dir(wd)
}

// appDir is the absolute path of integration/apps/<name>.
func appDir(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(repoDir(), "integration", "apps", name)
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// python is the interpreter of the test venv (`make testenv`), which has the frameworks of requirements.txt.
func python(t testing.TB) string {
	t.Helper()
	path := os.Getenv("STANDPIPE_TEST_PYTHON")
	if path == "" {
		path = filepath.Join(repoDir(), ".cache", "testenv", "bin", "python")
	}
	if _, err := os.Stat(path); err != nil {
		skip(t, "no-venv", "run `make testenv`: "+err.Error())
	}
	return path
}

// skip ends the test with a cause of one word, which run_tests.sh counts: root, no-venv, no-cc, cgroup, no-program,
// no-pypy, ...
func skip(t testing.TB, cause, detail string) {
	t.Helper()
	t.Skipf("SKIP[%s]: %s", cause, detail)
}

// cleanEnv is the environment of every server: nothing of the developer's shell but PATH, folders of the test's own.
func cleanEnv(t testing.TB) []string {
	t.Helper()
	home := filepath.Join(built.dir, "home")
	run := filepath.Join(built.dir, "run")
	tmp := filepath.Join(built.dir, "tmp")
	for dir, mode := range map[string]os.FileMode{home: 0o755, run: 0o700, tmp: 0o777 | os.ModeSticky} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"PATH=" + built.path, "HOME=" + home, "TMPDIR=" + tmp, "XDG_RUNTIME_DIR=" + run,
		"RUNTIME_DIRECTORY=" + filepath.Join(run, "standpipe"), // without a terminal there is no session whose folder would be used
		"LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1",
	}
}

// pause is the rhythm of all polling.
func pause() { time.Sleep(10 * time.Millisecond) }

// eventually polls cond until it holds; it fails the test after patience.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	within(t, patience, what, cond)
}

func within(t testing.TB, limit time.Duration, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; pause() {
		if cond() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// result is a finished command.
type result struct {
	code        int
	out, errout string
}

// run runs the binary with args to its end, in dir.
func run(t testing.TB, dir string, env []string, args ...string) result {
	t.Helper()
	cmd := exec.Command(built.binary, args...)
	cmd.Dir = dir
	cmd.Env = append(cleanEnv(t), env...)
	cmd.WaitDelay = patience // a child of another test may hold the pipes until its exec
	var out, errout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(bootPatience, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !killer.Stop() {
		t.Fatalf("%q did not end within %v\n%s%s", cmd.Args, bootPatience, out.String(), errout.String())
	}
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		t.Fatal(err)
	}
	return result{exitCode(cmd), out.String(), errout.String()}
}
