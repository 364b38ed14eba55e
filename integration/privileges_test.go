package integration

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// privileged is the app of that name in a folder that any user can read; root only.
func privileged(t testing.TB, o opts) *server {
	t.Helper()
	needRoot(t)
	o.Dir = privilegedApp(t)
	if o.App == "" && !o.Bare {
		o.App = "app:app"
	}
	o.Argv = []string{sandboxBinary(t), "serve"}
	o.Python = systemPython(t)
	return start(t, o)
}

func privilegedApp(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(appDir(t, "privileges") + "/app.py")
	if err != nil {
		t.Fatal(err)
	}
	return project(t, map[string]string{"app.py": string(b)})
}

// account skips where the system has no such user.
func account(t testing.TB, name string) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		skip(t, "no-account", err.Error())
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid
}

// rootOnly is a file that root alone can read.
func rootOnly(t testing.TB) string {
	t.Helper()
	path := filepath.Join(project(t, map[string]string{"secret": "the root's secret"}), "secret")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// status are the lines of /proc/PID/status by their names.
func status(t testing.TB, text string) map[string]string {
	t.Helper()
	m := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		m[name] = strings.Join(strings.Fields(value), " ")
	}
	return m
}

func procStatus(t testing.TB, pid int) map[string]string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	return status(t, string(b))
}

func wantUser(t testing.TB, who string, st map[string]string, uid, gid int, groups string) {
	t.Helper()
	four := func(n int) string { return strings.TrimSpace(strings.Repeat(strconv.Itoa(n)+" ", 4)) }
	if st["Uid"] != four(uid) || st["Gid"] != four(gid) || st["Groups"] != groups {
		t.Errorf("%s: Uid %s, Gid %s, Groups %s; not %d, %d, %s", who, st["Uid"], st["Gid"], st["Groups"], uid, gid, groups)
	}
	if uid != 0 && (strings.Trim(st["CapEff"], "0") != "" || strings.Trim(st["CapPrm"], "0") != "") {
		t.Errorf("%s has capabilities: %s, %s", who, st["CapPrm"], st["CapEff"])
	}
}

// Under --user nothing is left of root: no process, no group, no capability, no file.
func TestUser(t *testing.T) {
	t.Parallel()
	uid, gid := account(t, "nobody")
	log := filepath.Join(project(t, nil), "error.log")
	socket := filepath.Join(project(t, nil), "s")
	secret := rootOnly(t)
	s := privileged(t, opts{Args: []string{"--user", "nobody", "-w", "2"}, Listen: []string{"127.0.0.1:0", "unix:" + socket}})
	s.waitWorkers(2)
	all := tree(s.Pid)
	if len(all) != 3 {
		t.Fatalf("processes %v", all)
	}
	for _, pid := range all {
		wantUser(t, fmt.Sprint("process ", pid), procStatus(t, pid), uid, gid, strconv.Itoa(gid))
		tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		for _, task := range tasks { // each thread has credentials of its own
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, task.Name()))
			if err == nil && status(t, string(b))["Uid"] != procStatus(t, pid)["Uid"] {
				t.Errorf("thread %s of %d: %s", task.Name(), pid, b)
			}
		}
	}
	if r := s.want(200, "/read?path="+url.QueryEscape(secret)); r.Body != "PermissionError" {
		t.Errorf("a file of root's was read: %q", r.Body)
	}
	var env map[string]string
	if err := json.Unmarshal([]byte(s.want(200, "/env").Body), &env); err != nil {
		t.Fatal(err)
	}
	if u, _ := user.Lookup("nobody"); env["HOME"] != u.HomeDir || env["USER"] != "nobody" || env["LOGNAME"] != "nobody" || env["XDG_RUNTIME_DIR"] != "" {
		t.Errorf("%v", env)
	}
	s.noListener(socket)
	b := parseBody(t, s.post("/body", "application/octet-stream", strings.Repeat("x", 1<<20)).Body)
	if b.UID != uid || b.Mode != "0600" || b.Size != 1<<20 {
		t.Errorf("%+v", b)
	}
	for _, r := range s.log() {
		if r.event() == "root" {
			t.Errorf("%v", r)
		}
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	// A log that standpipe has made can be opened again by the user that serves.
	privileged(t, opts{Args: []string{"--user", "nobody", "-w", "1", "--error-log", log}, NoWait: true})
	within(t, bootPatience, "it serves", func() bool {
		b, _ := os.ReadFile(log)
		return strings.Contains(string(b), "app_ready")
	})
	if st, err := os.Stat(log); err != nil || int(st.Sys().(*syscall.Stat_t).Uid) != uid {
		t.Errorf("%v %v", st, err)
	}
}

// noListener: the worker that answers holds no socket but its control pipe's.
func (s *server) noListener(socket string) {
	s.t.Helper()
	var list []string
	if err := json.Unmarshal([]byte(s.want(200, "/fds").Body), &list); err != nil {
		s.t.Fatal(err)
	}
	sockets := slices.DeleteFunc(list, func(name string) bool { return !strings.HasPrefix(name, "socket:") })
	if len(sockets) > 1 {
		s.t.Errorf("a worker holds %v", sockets)
	}
	ours, _ := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(ours)) {
		f := strings.Fields(line)
		if len(f) == 8 && f[7] == socket && slices.Contains(sockets, "socket:["+f[6]+"]") {
			s.t.Error("a worker holds the listener")
		}
	}
}

type spooledBody struct {
	UID     int
	Mode    string
	Size    int
	Listing any
}

func parseBody(t testing.TB, text string) spooledBody {
	t.Helper()
	var b spooledBody
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	return b
}

// One warning for root; none with --user root.
func TestRootIsWarnedOf(t *testing.T) {
	t.Parallel()
	s := privileged(t, opts{Args: []string{"-w", "1"}})
	if list := s.events("root"); len(list) != 1 || !list[0].names("--user") {
		t.Errorf("%v", list)
	}
	s = privileged(t, opts{Args: []string{"-w", "1", "--user", "root"}})
	if list := s.events("root"); len(list) != 0 {
		t.Errorf("%v", list)
	}
	wantUser(t, "the server", procStatus(t, s.Pid), 0, 0, procStatus(t, os.Getpid())["Groups"])
}

func TestLimitsOfWorkers(t *testing.T) {
	t.Parallel()
	uid, gid := account(t, "daemon")
	dir := project(t, nil)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	s := privileged(t, opts{Args: []string{"--user", "daemon", "-w", "1", "--umask", "027", "--nice", "5", "--limit-as", "3GiB",
		"--limit-nofile", "99", "--limit-nproc", "4000", "--limit-cpu", "1h", "--no-new-privs", "on"}})
	var got map[string]int
	if err := json.Unmarshal([]byte(s.want(200, "/limits").Body), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"as": 3 << 30, "nofile": 99, "nproc": 4000, "cpu": 3600, "nice": 5} {
		if got[name] != want {
			t.Errorf("%s is %d, not %d", name, got[name], want)
		}
	}
	if r := s.want(200, "/grow?bytes=4294967296"); r.Body != "MemoryError" {
		t.Errorf("%q", r.Body)
	}
	if r := s.want(200, "/create?dir="+url.QueryEscape(dir)); r.Body != fmt.Sprintf("0640 %d", uid) {
		t.Errorf("%q", r.Body)
	}
	st := status(t, s.want(200, "/status").Body)
	wantUser(t, "the worker", st, uid, gid, strconv.Itoa(gid))
	if st["NoNewPrivs"] != "1" || st["Umask"] != "0027" {
		t.Errorf("NoNewPrivs %s, Umask %s", st["NoNewPrivs"], st["Umask"])
	}
	if st := procStatus(t, s.Pid); st["NoNewPrivs"] != "0" {
		t.Errorf("the server has no_new_privs too")
	}
	if list := tree(s.Pid); len(list) != 2 {
		for _, pid := range list {
			cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			t.Errorf("pid %d: %q", pid, cmdline)
		}
		t.Errorf("%d processes, not a server and a worker: is there a helper without need?", len(list))
	}
}

// A user that is new in the configuration is one as which a server without root cannot
// start: the reload says so, and the old workers serve on.
func TestReloadWithANewUser(t *testing.T) {
	t.Parallel()
	_, gid := account(t, "nobody")
	for _, setting := range []string{`user = "daemon"`, `nice = -5`, `memory_max = "1GiB"`} {
		needRoot(t)
		text := fmt.Sprintf("user = \"nobody\"\n[[app]]\nname = \"one\"\nmodule = \"app:app\"\ndir = %q\nworkers = 1\n", privilegedApp(t))
		dir := project(t, map[string]string{"standpipe.toml": text})
		s := start(t, opts{Dir: dir, Argv: []string{sandboxBinary(t), "serve"}, Bare: true,
			Args: []string{"-c", "standpipe.toml", "-b", "127.0.0.1:0", "--log-format", "json", "--python", systemPython(t)}})
		old := s.want(200, "/pid").Body
		write(t, dir, map[string]string{"standpipe.toml": text + setting + "\n"})
		s.signal(syscall.SIGHUP)
		failed := s.waitEvent("reload_failed")
		if failed.str("app") != "one" || failed.str("serving") != "1" {
			t.Errorf("%s: %v", setting, failed)
		}
		if r := s.want(200, "/pid"); r.Body != old {
			t.Errorf("%s: worker %s, before %s", setting, r.Body, old)
		}
		if st := status(t, s.want(200, "/status").Body); st["Groups"] != strconv.Itoa(gid) {
			t.Errorf("%s: %v", setting, st["Groups"])
		}
	}
}

// What cannot be applied is refused, with the reason and where it was asked for.
func TestPrivilegesAreRefused(t *testing.T) {
	t.Parallel()
	needRoot(t)
	app := privilegedApp(t)
	mortal := &syscall.Credential{Uid: nobody, Gid: nobody}
	for _, c := range []struct {
		who  *syscall.Credential
		args []string
		want string
	}{
		{mortal, []string{"--user", "daemon"}, "--user: "},
		{mortal, []string{"--app", "module=app:app,user=daemon"}, "daemon"},
		{mortal, []string{"--nice", "-5"}, "--nice: "},
		{mortal, []string{"--limit-nofile", "2000000000"}, "--limit-nofile: "},
		{nil, []string{"--user", "no-such-user"}, "no-such-user"},
		{nil, []string{"--group", "no-such-group"}, "no-such-group"},
		{nil, []string{"--user", "23456"}, "group"},
		{nil, []string{"--umask", "999"}, "umask"},
		{nil, []string{"--nice", "20"}, "-20"},
		{mortal, []string{"--memory-max", "1GiB"}, "memory_max"},
	} {
		args := append([]string{"-b", "127.0.0.1:0", "-w", "1", "--python", systemPython(t)}, c.args...)
		if !slices.Contains(c.args, "--app") {
			args = append([]string{"app:app"}, args...)
		}
		s := start(t, opts{Dir: app, Argv: []string{sandboxBinary(t), "serve"}, Bare: true, Args: args, Identity: c.who, NoWait: true, Exit: 2})
		if code := s.wait(); code != 2 || !strings.Contains(s.stderrText(), c.want) {
			t.Errorf("%v: exit %d, %s", c.args, code, s.stderrText())
		}
	}
	// Naming the user that standpipe runs as already needs no privilege.
	s := start(t, opts{Dir: app, App: "app:app", Argv: []string{sandboxBinary(t), "serve"}, Python: systemPython(t), Identity: mortal,
		Args: []string{"-w", "1", "--user", strconv.Itoa(nobody), "--group", strconv.Itoa(nobody)}})
	s.want(200, "/pid")
}

// A worker that cannot be confined is a boot failure that says what failed.
func TestUserThatCannotReachTheApp(t *testing.T) {
	t.Parallel()
	needRoot(t)
	account(t, "nobody")
	dir := privilegedApp(t)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := start(t, opts{Dir: dir, App: "app:app", Argv: []string{sandboxBinary(t), "serve"}, Python: systemPython(t), NoWait: true, Exit: 3,
		Args: []string{"-w", "1", "--user", "nobody", "--boot-timeout", "2m"}})
	if code := s.wait(); code != 3 || !holds(s.stderrText(), dir, "0700") {
		t.Errorf("exit %d, %s", code, s.stderrText())
	}
}

// /dev/stdout and /dev/stderr can be opened by a worker that runs as another user, and what goes there is in the log; with
// --preload and in a child process, too.
func TestFault_B10_DevStdoutOfAnotherUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := rootlessProject(t, map[string]string{"app.py": `import logging, os, subprocess
log = logging.getLogger("b10")
for path in "/dev/stdout", "/dev/stderr", "/proc/self/fd/1":
    log.addHandler(logging.FileHandler(path))

def app(environ, start_response):
    log.warning("to the file of %d", os.getuid())
    with open("/dev/stdout", "a") as out:
        out.write("opened in the request\n")
    subprocess.check_call("echo by a child > /dev/stderr", shell=True)
    start_response("200 OK", [])
    return [b"ok"]
`})
	for name, text := range map[string]string{
		"app":                         "[[app]]\nname = \"one\"\nmodule = \"app:app\"\nworkers = 1\nuser = \"www-data\"\n",
		"app of a server with a user": "user = \"nobody\"\n[[app]]\nname = \"one\"\nmodule = \"app:app\"\nworkers = 1\nuser = \"www-data\"\n",
		"preload":                     "[[app]]\nname = \"one\"\nmodule = \"app:app\"\nworkers = 1\nuser = \"www-data\"\npreload = true\n",
		"limits":                      "[[app]]\nname = \"one\"\nmodule = \"app:app\"\nworkers = 1\nuser = \"www-data\"\nlimit_nofile = 200\n",
		"server":                      "user = \"www-data\"\n[[app]]\nname = \"one\"\nmodule = \"app:app\"\nworkers = 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			write(t, dir, map[string]string{"standpipe.toml": strings.Replace(text, "workers", "dir = \""+dir+"\"\nworkers", 1)})
			s := start(t, opts{Dir: dir, Argv: []string{sandboxBinary(t), "serve"}, Bare: true,
				Args: []string{"-c", "standpipe.toml", "-b", "127.0.0.1:0", "--log-format", "json", "--python", systemPython(t)}})
			s.want(200, "/")
			eventually(t, "what was written is in the log", func() bool {
				text := strings.Join(s.output(), "\n")
				return strings.Count(text, "to the file of ") >= 3 && strings.Contains(text, "opened in the request") && strings.Contains(text, "by a child")
			})
		})
	}
}

// rootlessProject is a project that other users can read.
func rootlessProject(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := project(t, files)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
