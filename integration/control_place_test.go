package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// runtimeFolder is a run-time folder of the test's own, with a short path.
func runtimeFolder(t testing.TB) (env []string, dir string) {
	t.Helper()
	cleanEnv(t)
	top, err := os.MkdirTemp(built.dir, "r")
	if err != nil {
		t.Fatal(err)
	}
	return []string{"XDG_RUNTIME_DIR=" + top, "RUNTIME_DIRECTORY=" + filepath.Join(top, "standpipe"), "TMPDIR=" + top}, filepath.Join(top, "standpipe")
}

// onlyRuntimeFolder is runtimeFolder for commands that shall find no server but those of the test: others that run on this
// machine, as the ones that tests start in folders of /run, do not count.
func onlyRuntimeFolder(t testing.TB) (env []string, dir string) {
	t.Helper()
	env, dir = runtimeFolder(t)
	return append(env, "STANDPIPE_RUNTIME_DIR="+dir), dir
}

// A command finds the one that runs; of two it lists both and does nothing.
func TestWhichStandpipe(t *testing.T) {
	t.Parallel()
	env, dir := runtimeFolder(t)
	files := project(t, map[string]string{"app.py": hello("x")})
	none := append(env, "STANDPIPE_RUNTIME_DIR="+dir) // others that run on this machine do not count
	if r := run(t, files, none, "status"); r.code != 1 || !r.names(dir) {
		t.Errorf("none runs: %+v", r)
	}
	one := start(t, opts{App: "app:app", Dir: files, Env: env, Args: []string{"-w", "1"}})
	if got := filepath.Dir(one.controlSocket()); got != dir {
		t.Errorf("the socket is in %s", got)
	}
	if r := run(t, files, env, "status"); r.code != 0 || !r.names(fmt.Sprint(one.Pid)) {
		t.Errorf("one runs: %+v", r)
	}
	two := start(t, opts{App: "app:app", Dir: files, Env: env, Args: []string{"-w", "1"}}) // of the same name
	r := run(t, files, env, "stop")
	for _, s := range []*server{one, two} {
		if !r.names(s.controlSocket(), fmt.Sprint(s.Pid)) {
			t.Errorf("two run: %+v has no %s", r, s.controlSocket())
		}
	}
	if r.code != 2 || one.controlSocket() == two.controlSocket() {
		t.Errorf("exit %d; %s", r.code, two.controlSocket())
	}
	if r := run(t, files, append(env, "STANDPIPE_CONTROL="+two.controlSocket()), "status"); r.code != 0 || !r.names(fmt.Sprint(two.Pid)) {
		t.Errorf("by the variable: %+v", r)
	}
	two.workers()
	two.expect(137)
	if err := syscall.Kill(two.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	two.wait()
	if _, err := os.Lstat(two.controlSocket()); err != nil {
		t.Fatalf("a kill leaves the socket: %v", err)
	}
	if r := run(t, files, env, "stop"); r.code != 0 { // what is dead does not count
		t.Errorf("%+v", r)
	}
	if code := one.wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestControlSettings(t *testing.T) {
	t.Parallel()
	env, dir := runtimeFolder(t)
	files := project(t, map[string]string{"app.py": hello("x")})
	path := filepath.Join(filepath.Dir(dir), "c.sock")
	// What a dead one has left at a path of its own is replaced.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	s := start(t, opts{App: "app:app", Dir: files, Env: env, Args: []string{"-w", "1", "--control", path, "--control-mode", "0640", "--control-group", fmt.Sprint(os.Getgid())}})
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o640 || int(st.Sys().(*syscall.Stat_t).Gid) != os.Getgid() || s.controlSocket() != path {
		t.Errorf("%v %v", st, err)
	}
	// Workers do not have it: the one socket that they hold is the other end of their own.
	for _, pid := range s.workers() {
		fds, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		sockets := map[string]bool{}
		for _, fd := range fds {
			if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name())); strings.HasPrefix(to, "socket:") {
				sockets[to] = true
			}
		}
		if len(sockets) != 1 {
			t.Errorf("worker %d has the sockets %v", pid, sockets)
		}
	}
	// The path is taken: exit 4, and the first one is not harmed.
	if r := run(t, files, env, "serve", "app:app", "-b", "127.0.0.1:0", "--control", path); r.code != 4 || !strings.Contains(r.errout, path) {
		t.Errorf("%+v", r)
	}
	s.must("status")

	off := start(t, opts{App: "app:app", Dir: files, Env: env, Args: []string{"-w", "1", "--control", "off"}})
	if list, _ := filepath.Glob(filepath.Join(dir, "*.sock")); len(off.events("control_socket")) != 0 || len(list) != 1 { // the link to the first one's
		t.Errorf("off: %v", list)
	}
	plain := start(t, opts{App: "app:app", Dir: files, Env: env, Args: []string{"-w", "1"}})
	if st, err := os.Stat(plain.controlSocket()); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st, err)
	}
}

// Logs are renamed while requests come: each line is in one of the files, once.
func TestLogCommands(t *testing.T) {
	t.Parallel()
	dir := steady(t)
	access, errs := filepath.Join(dir, "access.log"), filepath.Join(dir, "error.log")
	env, folder := runtimeFolder(t)
	s := start(t, opts{App: "app:app", Dir: dir, Env: env, Args: []string{"-w", "1", "--access-log", access, "--error-log", errs}, NoWait: true})
	read := func(path string) string { b, _ := os.ReadFile(path); return string(b) }
	within(t, bootPatience, "it is up", func() bool {
		text := read(errs)
		for _, line := range strings.Split(text, "\n") {
			if r := parseRecord(line); r.event() == "listening" {
				s.setAddress(r.str("address"))
			}
		}
		return strings.Contains(text, "app_ready") && s.Addr != ""
	})
	list, _ := filepath.Glob(filepath.Join(folder, "*.sock"))
	if len(list) != 1 {
		t.Fatal(list)
	}
	path := list[0]
	order := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(built.binary, append(args, "--control", path)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v %s", args, err, out)
		}
		s.workers()
	}
	n, old := 0, ""
	mark := func() {
		n++
		s.want(200, fmt.Sprintf("/echo?mark%d.", n))
	}
	for round, how := range []func(){
		func() { order("reopen-logs") },
		func() { _ = syscall.Kill(s.Pid, syscall.SIGUSR1) },
	} {
		for range 5 {
			mark()
		}
		for _, f := range []string{access, errs} {
			if err := os.Rename(f, fmt.Sprint(f, ".", round)); err != nil {
				t.Fatal(err)
			}
		}
		mark() // into the old one, or the new one
		how()
		eventually(t, "the error log has its name again", func() bool { return strings.Contains(read(errs), "logs_reopened") })
		mark()
		eventually(t, "the line is in the new file", func() bool { return strings.Contains(read(access), fmt.Sprintf("mark%d.", n)) })
		old += read(fmt.Sprint(access, ".", round))
	}
	eventually(t, "each line is in one of the files", func() bool {
		all := old + read(access)
		for i := 1; i <= n; i++ {
			if c := strings.Count(all, fmt.Sprintf("mark%d.", i)); c > 1 {
				t.Fatalf("line %d is there %d times", i, c)
			} else if c == 0 {
				return false
			}
		}
		return true
	})

	if strings.Contains(read(errs), "worker_started") {
		t.Error("there are debug records before")
	}
	order("log-level", "debug")
	pid := s.want(200, "/pid").Body
	order("restart", strings.TrimSuffix(filepath.Base(path), ".sock")+"/1")
	eventually(t, "it was replaced", func() bool { return s.want(200, "/pid").Body != pid })
	eventually(t, "there are debug records", func() bool { return strings.Contains(read(errs), "worker_started") })
	order("log-level", "error")
	eventually(t, "the old worker has left", func() bool { return len(s.workers()) == 1 })
	before := strings.Count(read(errs), `"command":"resume"`)
	order("resume") // has an info record
	order("log-level", "info")
	order("resume")
	eventually(t, "there are info records again", func() bool { return strings.Count(read(errs), `"command":"resume"`) == before+1 })
	bad := exec.Command(built.binary, "log-level", "loud", "--control", path)
	if bad.Run() == nil || exitCode(bad) != 2 {
		t.Errorf("a level that is none: exit %d", exitCode(bad))
	}
}
