package integration

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// twoUsers are two apps with users of their own, and a third one with the server's.
func twoUsers(t testing.TB, more ...string) *server {
	t.Helper()
	needRoot(t)
	dir := project(t, map[string]string{"standpipe.toml": fmt.Sprintf(`
user = "nobody"
%[2]s
[[app]]
name = "one"
module = "app:app"
dir = %[1]q
workers = 1
user = "www-data"
nice = -1
[[app]]
name = "two"
module = "app:app"
dir = %[1]q
mount = "/two"
workers = 1
user = "daemon"
groups = ["none"]
[[app]]
name = "three"
module = "app:app"
dir = %[1]q
mount = "/three"
workers = 1
`, privilegedApp(t), strings.Join(more, "\n"))})
	return start(t, opts{Dir: dir, Argv: []string{sandboxBinary(t), "serve"}, Bare: true, Apps: 3,
		Args: []string{"-c", "standpipe.toml", "-b", "127.0.0.1:0", "--log-format", "json", "--python", systemPython(t)}})
}

// With users of their own, apps' workers are started by a helper, the only root left.
func TestUsersOfApps(t *testing.T) {
	t.Parallel()
	www, wwwGroup := account(t, "www-data")
	daemon, daemonGroup := account(t, "daemon")
	nobody, nobodyGroup := account(t, "nobody")
	s := twoUsers(t)
	helper := 0
	for _, pid := range tree(s.Pid) {
		if st := procStatus(t, pid); st["Uid"] == "0 0 0 0" {
			if helper != 0 {
				t.Errorf("two processes of root: %d, %d", helper, pid)
			}
			helper = pid
			if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); !strings.HasSuffix(string(line), "\x00__helper\x00") {
				t.Errorf("%q", line)
			}
		}
	}
	if helper == 0 {
		t.Fatal("no helper")
	}
	if fds, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", helper)); true {
		for _, fd := range fds { // no listener: its only socket is ours
			name, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", helper, fd.Name()))
			if strings.HasPrefix(name, "socket:") && s.isListener(name) {
				t.Errorf("the helper holds the listener as %s", fd.Name())
			}
		}
	}
	secret := rootOnly(t)
	big := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		mount    string
		uid, gid int
		groups   string
		parent   int
	}{
		{"", www, wwwGroup, strconv.Itoa(wwwGroup), helper},
		{"/two", daemon, daemonGroup, "", helper},
		{"/three", nobody, nobodyGroup, strconv.Itoa(nobodyGroup), s.Pid},
	} {
		st := status(t, s.want(200, c.mount+"/status").Body)
		wantUser(t, "the app at "+c.mount+"/", st, c.uid, c.gid, c.groups)
		if st["PPid"] != strconv.Itoa(c.parent) {
			t.Errorf("%s: its parent is %s", c.mount, st["PPid"])
		}
		if r := s.want(200, c.mount+"/read?path="+url.QueryEscape(secret)); r.Body != "PermissionError" {
			t.Errorf("%q", r.Body)
		}
		// Its own file, by name, readable by no other user; twice, because the folder stays.
		for range 2 {
			b := parseBody(t, s.post(c.mount+"/body", "application/octet-stream", big).Body)
			if b.UID != c.uid || b.Mode != "0600" || b.Size != len(big) {
				t.Errorf("%s: %+v", c.mount, b)
			}
			if c.mount != "/three" && b.Listing != "PermissionError" {
				t.Errorf("%s: the spool folder can be listed: %v", c.mount, b.Listing)
			}
		}
	}

	// A worker that is killed: cause and all, by way of the helper.
	old, err := strconv.Atoi(s.want(200, "/two/pid").Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r := s.waitEvent("worker_exit")
	if r.str("cause") != "signal:9" || r.str("pid") != strconv.Itoa(old) || r.str("worker") != "two/1" {
		t.Errorf("%v", r)
	}
	eventually(t, "a new worker answers", func() bool {
		r := s.get("/two/pid")
		return r.Status == 200 && r.Body != strconv.Itoa(old)
	})
	// A reload judges by whom standpipe was started as, not by whom it has become.
	before := s.want(200, "/two/pid").Body
	s.signal(syscall.SIGHUP)
	eventually(t, "all apps are reloaded", func() bool { return len(s.events("reloaded")) == 3 })
	if list := s.events("restart_needed"); len(list) != 0 || s.want(200, "/two/pid").Body == before {
		t.Errorf("%v, worker %s", list, before)
	}
	wantUser(t, "the reloaded app", status(t, s.want(200, "/two/status").Body), daemon, daemonGroup, "")

	all := tree(s.Pid)
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	eventually(t, "no process is left", func() bool { return !slices.ContainsFunc(all, alive) })
}

// isListener says whether name is the socket that s listens on.
func (s *server) isListener(name string) bool {
	s.t.Helper()
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	text, _ := os.ReadFile("/proc/net/tcp")
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 9 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", n)) && f[3] == "0A" {
			return name == "socket:["+f[9]+"]"
		}
	}
	s.t.Fatal("the listener is not in /proc/net/tcp")
	return false
}

// kill -9 of the serving process: helper and all workers go.
func TestKilledServerTakesTheHelperAlong(t *testing.T) {
	t.Parallel()
	s := twoUsers(t)
	all := tree(s.Pid)[1:]
	if len(all) != 4 {
		t.Fatalf("processes %v", all)
	}
	s.remember(all...)
	s.expect(128 + int(syscall.SIGKILL))
	if err := s.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	within(t, 2*patience, "helper and workers are gone", func() bool {
		return !slices.ContainsFunc(all, alive)
	})
}

// TestFault_B5_KilledHelper: without root no other helper can be made. The server finishes what runs, says so, and
// ends with a code that has it started again; readiness says no meanwhile. An upgrade is refused for the same reason.
func TestFault_B5_KilledHelper(t *testing.T) {
	t.Parallel()
	s := twoUsers(t, "[stop]", `shutdown_delay = "3s"`, `stop_timeout = "60s"`)
	s.signal(syscall.SIGUSR2)
	s.waitEvent("upgrade_failed")
	s.want(200, "/readyz")
	helper := 0
	for _, pid := range children(s.Pid) {
		if procStatus(t, pid)["Uid"] == "0 0 0 0" {
			helper = pid
		}
	}
	theirs := children(helper)
	if helper == 0 || len(theirs) != 2 {
		t.Fatalf("helper %d, its workers %v", helper, theirs)
	}
	s.remember(theirs...)
	s.expect(1)
	g := newGate(t)
	waiting := s.background("/gate?path=" + g.path)
	s.waitLog(func(r record) bool { return r.str("message") == "at the gate" }, "a request at the gate")
	if err := syscall.Kill(helper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.waitEvent("helper_ended")
	eventually(t, "readiness says no", func() bool {
		r, err := s.try(s.request("GET", "/readyz", nil))
		return err != nil || r.Status == 503
	})
	g.open(t)
	if r := waiting.wait(t); r.Status != 200 {
		t.Errorf("what ran was answered %d", r.Status)
	}
	if code := s.wait(); code != 1 {
		t.Errorf("exit %d", code)
	}
	eventually(t, "its workers are gone", func() bool { return !slices.ContainsFunc(theirs, alive) })
}

// SIGTERM to every process at once, the helper too, is a stop in order: what runs is
// finished.
func TestStopOfEverybody(t *testing.T) {
	t.Parallel()
	s := twoUsers(t)
	g := newGate(t)
	var running []*async
	for _, mount := range []string{"", "/two", "/three"} {
		running = append(running, s.background(mount+"/gate?path="+url.QueryEscape(g.path)))
	}
	eventually(t, "all are at the gate", func() bool { return len(s.output()) == 3 })
	for _, pid := range tree(s.Pid) {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	s.waitEvent("stopping")
	g.open(t)
	for _, a := range running {
		if r := a.wait(t); r == nil || r.Status != 200 || r.Body != "through" {
			t.Errorf("%+v", r)
		}
	}
	if code := s.wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
