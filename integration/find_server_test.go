package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// changing are the commands that change something in the standpipe that they reach.
var changing = [][]string{{"stop"}, {"reload"}, {"restart", "a"}, {"scale", "2"}, {"pause"}, {"resume"}, {"log-level", "debug"}, {"reopen-logs"}, {"certs", "renew", "a"}}

// Of several standpipes a command finds the one of its folder; what changes something is never given to another folder's.
func TestFault_A5_TheStandpipeOfThisFolder(t *testing.T) {
	t.Parallel()
	env, _ := runtimeFolder(t)
	one, two := project(t, map[string]string{"app.py": hello("one")}), project(t, map[string]string{"sub/app.py": hello("two"), "etc/standpipe.toml": "[[app]]\nname = \"two\"\nmodule = \"app:app\"\ndir = \"../sub\"\nworkers = 1\n"})
	elsewhere := project(t, map[string]string{"README": ""})
	a := start(t, opts{App: "app:app", Dir: one, Env: env, Args: []string{"-w", "1"}})

	// One runs, elsewhere: it may be looked at, and not touched.
	r := run(t, elsewhere, env, "status")
	foreign := r.code == 2 && r.names(a.controlSocket()) && strings.Count(r.errout, ".sock") > 1 // another one runs on this machine
	if !foreign && (r.code != 0 || !r.names(fmt.Sprint(a.Pid))) {
		t.Errorf("status of the only one: %+v", r)
	}
	for _, args := range changing {
		r := run(t, elsewhere, env, args...)
		if r.code != 2 || !strings.Contains(r.errout, a.controlSocket()) || !strings.Contains(r.errout, one) {
			t.Errorf("%q elsewhere: %+v", args, r)
		}
	}

	b := start(t, opts{Dir: two, Env: env, Args: []string{"-c", "etc/standpipe.toml"}})
	for dir, want := range map[string]*server{one: a, two: b, two + "/etc": b, two + "/sub": b} {
		if r := run(t, dir, env, "status"); r.code != 0 || !r.names(fmt.Sprint(want.Pid)) {
			t.Errorf("%s: %+v", dir, r)
		}
		if r := run(t, dir, env, "reload"); r.code != 0 {
			t.Errorf("%s: %+v", dir, r)
		}
	}
	if err := os.Symlink(one, filepath.Join(elsewhere, "current")); err != nil {
		t.Fatal(err)
	}
	if r := run(t, elsewhere+"/current", env, "status"); r.code != 0 || !r.names(fmt.Sprint(a.Pid)) {
		t.Errorf("through a link: %+v", r)
	}
	for _, args := range append(changing, []string{"status"}) {
		r := run(t, elsewhere, env, args...)
		if r.code != 2 || !strings.Contains(r.errout, a.controlSocket()) || !strings.Contains(r.errout, b.controlSocket()) {
			t.Errorf("%q of two elsewhere: %+v", args, r)
		}
	}
	if r := run(t, one, env, "stop"); r.code != 0 || a.wait() != 0 {
		t.Errorf("%+v", r)
	}
	if b.ended() {
		t.Error("the other one has ended too")
	}
}

// The socket that the folder's configuration names is found, wherever it is.
func TestFault_A5_TheSocketOfTheConfiguration(t *testing.T) {
	t.Parallel()
	env, _ := runtimeFolder(t)
	far := filepath.Join(project(t, map[string]string{"x": ""}), "c.sock")
	dir := project(t, map[string]string{"app.py": hello("x"), "standpipe.toml": "control = \"" + far + "\"\n[[app]]\nmodule = \"app:app\"\nworkers = 1\n"})
	s := start(t, opts{Dir: dir, Env: env})
	other := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": hello("y")}), Env: env, Args: []string{"-w", "1"}})
	if r := run(t, dir, env, "status"); r.code != 0 || !r.names(fmt.Sprint(s.Pid)) {
		t.Errorf("%+v", r)
	}
	if r := run(t, dir, env, "stop"); r.code != 0 || s.wait() != 0 {
		t.Errorf("%+v", r)
	}
	// It is gone: another folder's is not taken in its place.
	if r := run(t, dir, env, "stop"); r.code != 2 || !strings.Contains(r.errout, other.controlSocket()) || other.ended() {
		t.Errorf("%+v", r)
	}
	// Nor is it healthy in its place. In a folder that has no configuration, as in a container, health means the one that runs.
	if r := run(t, dir, env, "health"); r.code != 1 || !strings.Contains(r.errout, other.controlSocket()) {
		t.Errorf("%+v", r)
	}
	only := []string{"STANDPIPE_RUNTIME_DIR=" + filepath.Dir(other.controlSocket())}
	if r := run(t, project(t, map[string]string{"README": ""}), append(env, only...), "health"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if r := run(t, dir, append(env, only...), "health"); r.code != 1 {
		t.Errorf("%+v", r)
	}
}

// The socket that a flag alone names is found from the folder, and by nothing that the server leaves behind.
func TestFault_A5_TheSocketOfAFlag(t *testing.T) {
	t.Parallel()
	env, runtime := runtimeFolder(t)
	dir := project(t, map[string]string{"app.py": hello("x")})
	path := filepath.Join(project(t, map[string]string{"x": ""}), "c.sock")
	other := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": hello("y")}), Env: env, Args: []string{"-w", "1"}})
	links := func() int {
		n := 0
		list, _ := filepath.Glob(filepath.Join(runtime, "*.sock"))
		for _, file := range list {
			if _, err := os.Readlink(file); err == nil {
				n++
			}
		}
		return n
	}
	for _, end := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		s := start(t, opts{App: "app:app", Dir: dir, Env: env, Args: []string{"-w", "1", "--control", path}})
		if r := run(t, dir, env, "status"); r.code != 0 || !r.names(fmt.Sprint(s.Pid)) {
			t.Errorf("%+v", r)
		}
		if n := links(); n != 1 {
			t.Errorf("%d links before %v", n, end)
		}
		if r := run(t, dir, env, "log-level", "info"); r.code != 0 {
			t.Errorf("%+v", r)
		}
		s.workers()
		if end == syscall.SIGKILL {
			s.expect(137)
		}
		if err := syscall.Kill(s.Pid, end); err != nil {
			t.Fatal(err)
		}
		s.wait()
		if r := run(t, dir, env, "stop"); r.code != 2 || !strings.Contains(r.errout, other.controlSocket()) || other.ended() {
			t.Errorf("after %v: %+v", end, r)
		}
	}
	if n := links(); n != 0 {
		t.Errorf("%d links are left", n)
	}
}

// The unit of docs/systemd.md: RuntimeDirectory=NAME and User=. Root finds it, and touches it only when it is named.
func TestFault_A5_AServicesStandpipe(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		skip(t, "root", "a service's folder is made in /run")
	}
	folder, err := os.MkdirTemp("/run", "standpipe-it-")
	if err != nil {
		skip(t, "root", err.Error())
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	const uid = 65534
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(folder, uid, uid); err != nil {
		t.Fatal(err)
	}
	env, _ := runtimeFolder(t)
	dir := project(t, map[string]string{"app.py": hello("x")})
	s := start(t, opts{Dir: dir, Argv: []string{sandboxBinary(t), "serve", "app:app"}, Python: systemPython(t), Args: []string{"-w", "1"}, Identity: &syscall.Credential{Uid: uid, Gid: uid}, Env: []string{"RUNTIME_DIRECTORY=" + folder}})
	if filepath.Dir(s.controlSocket()) != folder {
		t.Fatal(s.controlSocket())
	}
	if r := run(t, dir, env, "status"); r.code != 0 || !r.names(fmt.Sprint(s.Pid)) {
		t.Errorf("status by root: %+v", r)
	}
	for _, args := range changing {
		if r := run(t, dir, env, args...); r.code != 2 || !strings.Contains(r.errout, s.controlSocket()) || s.ended() {
			t.Errorf("%q by root: %+v", args, r)
		}
	}
	if r := run(t, dir, env, "stop", "--control", s.controlSocket()); r.code != 0 || s.wait() != 0 {
		t.Errorf("named: %+v", r)
	}
}

// A standpipe that root has started and that has given root up is root's as well as its user's.
func TestFault_A5_RootsOwnUnderAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		skip(t, "root", "--user needs root")
	}
	env, _ := runtimeFolder(t)
	dir := project(t, map[string]string{"app.py": hello("x")})
	s := start(t, opts{App: "app:app", Dir: dir, Env: env, Python: systemPython(t), Args: []string{"-w", "1", "--user", "nobody"}})
	if r := run(t, dir, append(env, "STANDPIPE_RUNTIME_DIR="+filepath.Dir(s.controlSocket())), "stop"); r.code != 0 || s.wait() != 0 {
		t.Errorf("%+v", r)
	}
}
