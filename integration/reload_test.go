package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hup asks for a reload and waits until it has ended n times in all, well or not.
func (s *server) hup(n int) {
	s.t.Helper()
	if err := syscall.Kill(s.Pid, syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	within(s.t, bootPatience, fmt.Sprintf("reload %d has ended", n), func() bool {
		return len(s.events("reloaded"))+len(s.events("reload_failed")) >= n
	})
	s.workers()
}

func setVersion(t testing.TB, dir, version string) {
	t.Helper()
	write(t, dir, map[string]string{"version.py": fmt.Sprintf("VERSION = %q\n", version)})
}

// Ten reloads under load: no client notices. A request from before the first one ends on the old code.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	dir := steady(t)
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "4", "--timeout", "1h", "--drain-timeout", "1h", "--queue-timeout", bootQueue}})
	g := newGate(t)
	old := s.backgroundFor(time.Hour, "/gate?"+g.path)
	eventually(t, "the old request runs", func() bool { return strings.Contains(s.must("status", "--json"), `"/gate?`) })
	between := 500 // requests from one reload to the next
	if os.Getenv("STANDPIPE_SOAK") != "" {
		between = 3000
	}
	l := &load{s: s, rate: 500, posts: 0.2}
	l.begin()
	for n := 1; n <= 10; n++ {
		setVersion(t, dir, fmt.Sprintf("v%d", n+1))
		s.hup(n)
		if !old.running() {
			t.Error("the request from before has ended before its gate was opened")
		}
		within(t, bootPatience, "the load goes on", func() bool { return l.count() >= n*between })
	}
	sent, failed := l.end()
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed: %v", len(failed), sent, failed[:min(len(failed), 5)])
	}
	if r := s.want(200, "/version"); r.Body != "v11" {
		t.Errorf("after the reloads %s serves", r.Body)
	}
	g.open(t)
	if r := old.wait(t); r.Status != 200 || r.Body != "v1" {
		t.Errorf("the request from before: %d %q", r.Status, r.Body)
	}
	eventually(t, "only the new workers are left", func() bool { return len(s.workers()) == 4 })
	t.Logf("%d requests, 10 reloads, 0 errors", sent)
}

// Broken code does not replace code that works.
func TestReloadOntoBrokenCode(t *testing.T) {
	t.Parallel()
	dir := steady(t)
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "2", "--boot-timeout", "15", "--queue-timeout", bootQueue}})
	l := &load{s: s, rate: 50, clients: 4, posts: 0.2}
	l.begin()
	n := 0
	for what, c := range map[string]struct{ version, want string }{
		"a SyntaxError":    {"VERSION = (\n", "SyntaxError"},
		"an ImportError":   {"import no_such_module_anywhere\n", "no_such_module_anywhere"},
		"an exception":     {"raise RuntimeError('broken on purpose')\n", "broken on purpose"},
		"an import hang":   {"import time\ntime.sleep(60)\n", "version.py:2"},
		"a missing module": {"", ""}, // removed below
	} {
		if c.version == "" {
			if err := os.Remove(filepath.Join(dir, "app.py")); err != nil {
				t.Fatal(err)
			}
			c.want = "app"
		} else {
			write(t, dir, map[string]string{"version.py": c.version})
		}
		n++
		s.hup(n)
		failed := s.events("reload_failed")
		if len(failed) != n {
			t.Fatalf("%s: it was taken", what)
		}
		last := failed[n-1]
		if last.str("serving") != "1" || !last.names(c.want) {
			t.Errorf("%s: %v", what, last)
		}
		if r := s.want(200, "/version"); r.Body != "v1" {
			t.Errorf("%s: %s serves", what, r.Body)
		}
		app, err := os.ReadFile(filepath.Join(appDir(t, "steady"), "app.py"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, map[string]string{"app.py": string(app)})
	}
	if sent, failed := l.end(); len(failed) > 0 {
		t.Errorf("%d of %d requests failed: %v", len(failed), sent, failed[:min(len(failed), 5)])
	}
	setVersion(t, dir, "v2")
	s.hup(n + 1)
	if r := s.want(200, "/version"); r.Body != "v2" {
		t.Errorf("the repaired app: %s serves", r.Body)
	}
}

// A release is a folder behind a link. A worker that dies later does not fall back to the one before.
func TestLinkDeploy(t *testing.T) {
	t.Parallel()
	root := project(t, nil)
	for _, v := range []string{"v1", "v2"} {
		write(t, root, map[string]string{v + "/app.py": "import os\nVERSION = open('VERSION').read().strip()\n" +
			"def app(e, s):\n    s('200 OK', [])\n    return [('%s %d' % (VERSION, os.getpid())).encode()]\n", v + "/VERSION": v})
	}
	link := func(to string) {
		tmp := filepath.Join(root, "next")
		if err := os.Symlink(to, tmp); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(root, "current")); err != nil {
			t.Fatal(err)
		}
	}
	link("v1")
	s := start(t, opts{App: "app:app", Dir: root, Args: []string{"-w", "2", "--dir", filepath.Join(root, "current")}})
	answers := func() string {
		seen := map[string]bool{}
		for range 20 {
			v, _, _ := strings.Cut(s.want(200, "/").Body, " ")
			seen[v] = true
		}
		return fmt.Sprint(seen)
	}
	if got := answers(); got != "map[v1:true]" {
		t.Fatal(got)
	}
	link("v2")
	s.hup(1)
	if got := answers(); got != "map[v2:true]" {
		t.Errorf("after the reload: %s", got)
	}
	if err := os.RemoveAll(filepath.Join(root, "v1")); err != nil {
		t.Fatal(err)
	}
	s.waitWorkers(2) // those of before have gone
	before := s.workers()
	_ = syscall.Kill(before[0], syscall.SIGKILL)
	eventually(t, "the killed worker is replaced", func() bool {
		now := s.workers()
		return len(now) == 2 && now[0] != before[0] && now[1] != before[0]
	})
	if got := answers(); got != "map[v2:true]" {
		t.Errorf("after a death: %s", got)
	}
}

// The configuration is read again: what changed is in force, a file with a problem changes nothing, and apps come and
// go without a connection of another app being touched.
func TestReloadConfig(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"a/app.py": hello("a"), "b/app.py": hello("b"), "c/app.py": hello("c")})
	config := func(text string) { write(t, dir, map[string]string{"standpipe.toml": text}) }
	first := "server_header = \"one\"\n[[app]]\nname = \"a\"\nmodule = \"app:app\"\ndir = \"a\"\nworkers = 1\nhosts = [\"a.test\"]\n"
	config(first + "[[app]]\nname = \"b\"\nmodule = \"app:app\"\ndir = \"b\"\nworkers = 1\n")
	s := start(t, opts{Dir: dir, Apps: 2})
	kept, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	ask := func(want string) string {
		t.Helper()
		k := &link{Conn: kept, r: bufio.NewReader(kept)}
		_ = k.SetDeadline(time.Now().Add(patience))
		if _, err := fmt.Fprintf(k, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		head := readHead(t, k.r)
		body := make([]byte, len(want))
		if _, err := io.ReadFull(k.r, body); err != nil || string(body) != want {
			t.Fatalf("%q %v, want %q", body, err, want)
		}
		return head
	}
	if head := ask("a"); !strings.Contains(head, "Server: one") {
		t.Error(head)
	}

	config("servr_header = 1\n" + first)
	_ = syscall.Kill(s.Pid, syscall.SIGHUP)
	failed := s.waitEvent("reload_failed")
	if !failed.names("standpipe.toml:1", "server_header") {
		t.Errorf("%v", failed)
	}
	if head := ask("a"); !strings.Contains(head, "Server: one") {
		t.Error(head)
	}
	if r := s.want(200, "/"); r.Body != "b" {
		t.Errorf("b answers %q", r.Body)
	}

	config(strings.Replace(first, "one", "two", 1) + "[[app]]\nname = \"c\"\nmodule = \"app:app\"\ndir = \"c\"\nworkers = 2\nmount = \"/c\"\n")
	_ = syscall.Kill(s.Pid, syscall.SIGHUP)
	s.waitEvent("app_removed")
	if head := ask("a"); !strings.Contains(head, "Server: two") {
		t.Error(head)
	}
	if r := s.want(200, "/c"); r.Body != "c" {
		t.Errorf("c answers %q", r.Body)
	}
	s.want(404, "/")
	eventually(t, "b's worker has gone", func() bool { return len(s.workers()) == 3 })

	// A new app that does not boot is not added, and the others are as they were.
	config(first + "[[app]]\nname = \"d\"\nmodule = \"nothing:app\"\ndir = \"c\"\nworkers = 1\nmount = \"/d\"\n")
	n := len(s.events("reload_failed"))
	_ = syscall.Kill(s.Pid, syscall.SIGHUP)
	within(t, bootPatience, "the reload has failed", func() bool { return len(s.events("reload_failed")) > n })
	s.want(404, "/d")
	ask("a")

	// What needs a restart is named.
	config(first + "[limits]\nidle_timeout = \"7s\"\n")
	_ = syscall.Kill(s.Pid, syscall.SIGHUP)
	if r := s.waitEvent("restart_needed"); !strings.Contains(r.str("settings"), "limits.idle_timeout") {
		t.Errorf("%v", r)
	}
}

// A file that is touched reloads the app, also while it is still loaded.
func TestTouchReload(t *testing.T) {
	t.Parallel()
	for name, early := range map[string]bool{"while it serves": false, "while it is loaded": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := steady(t)
			hold := filepath.Join(dir, "hold")
			o := opts{App: "app:app", Dir: dir, Args: []string{"-w", "1", "--touch-reload", "reload.txt"}, NoWait: early}
			if early {
				write(t, dir, map[string]string{"hold": "", "version.py": fmt.Sprintf("import os, time\nVERSION = 'v1'\nopen(%q, 'w').close()\nwhile os.path.exists(%q): time.sleep(0.01)\n", hold+".seen", hold)})
			}
			s := start(t, o)
			if early {
				within(t, bootPatience, "the app is loaded", func() bool { _, err := os.Stat(hold + ".seen"); return err == nil })
			}
			setVersion(t, dir, "v2")
			write(t, dir, map[string]string{"reload.txt": ""})
			if early {
				_ = os.Remove(hold)
			}
			s.waitEvent("reloaded")
			s.waitReady(opts{})
			if r := s.want(200, "/version"); r.Body != "v2" {
				t.Errorf("%s serves", r.Body)
			}
		})
	}
}

// One signal, one worker more or fewer.
func TestWorkersBySignal(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "2"}})
	_ = syscall.Kill(s.Pid, syscall.SIGTTIN)
	eventually(t, "a third worker", func() bool { return len(s.workers()) == 3 })
	for want := 2; want >= 1; want-- {
		_ = syscall.Kill(s.Pid, syscall.SIGTTOU)
		eventually(t, "one fewer", func() bool { return len(s.workers()) == want })
	}
	_ = syscall.Kill(s.Pid, syscall.SIGTTOU)
	s.want(200, "/version")
	if n := len(s.workers()); n != 1 {
		t.Errorf("%d workers are left", n)
	}
}

// A new worker answers the warmup paths before anybody else; one that cannot does not take over.
func TestWarmup(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"version.py": "VERSION = 'v1'\nHEALTHY = True\n", "app.py": `import version
warm = False
def app(environ, start_response):
    global warm
    path = environ["PATH_INFO"]
    if path == "/warm":
        assert environ["HTTP_HOST"] == "localhost", environ["HTTP_HOST"]
        warm = True
        start_response("302 Found" if version.HEALTHY else "500 Oops", [("Location", "/")])
        return [b""]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("%s %s" % (version.VERSION, warm)).encode()]
`})
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "2", "--warmup", "/warm"}})
	for range 10 {
		if r := s.want(200, "/"); r.Body != "v1 True" {
			t.Errorf("%q", r.Body)
		}
	}
	write(t, dir, map[string]string{"version.py": "VERSION = 'v2'\nHEALTHY = False\n"})
	s.hup(1)
	if r := s.events("reload_failed"); len(r) != 1 || !r[0].names("GET /warm", "500 Oops") {
		t.Errorf("%v", r)
	}
	if r := s.want(200, "/"); r.Body != "v1 True" {
		t.Errorf("%q", r.Body)
	}
	write(t, dir, map[string]string{"version.py": "VERSION = 'v3'\nHEALTHY = True\n"})
	s.hup(2)
	if r := s.want(200, "/"); r.Body != "v3 True" {
		t.Errorf("%q", r.Body)
	}
}

// A reload puts in force what it can, and ends with 1 and the names of what takes a restart, again and again until there was one.
func TestFault_A4_ReloadNamesWhatTakesARestart(t *testing.T) {
	t.Parallel()
	app := "[[app]]\nname = \"a\"\nmodule = \"app:app\"\nworkers = 1\n"
	before := "bind = \"127.0.0.1:0\"\n" + app
	dir := project(t, map[string]string{"app.py": hello("x"), "standpipe.toml": before, "c.sock.d/x": ""})
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"--log-format", "json"}})
	gen := 1
	for text, names := range map[string][]string{
		"bind = [\"127.0.0.1:0\", \"unix:s.sock\"]\n" + app:                                 {"bind"},
		"bind = \"127.0.0.1:0\"\ncontrol = \"c.sock\"\n[log]\naccess_log = \"off\"\n" + app: {"log.access_log", "control"},
		"bind = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:1\"\n" + app:                         {"metrics"},
		"bind = \"127.0.0.1:0\"\n[limits]\nmax_connections = 77\n" + app:                    {"limits.max_connections"},
		before + "reload = true\n":                                                          {"app.a.reload"},
	} {
		write(t, dir, map[string]string{"standpipe.toml": text})
		for range 2 {
			gen++
			r := s.order("reload")
			if r.code != 1 || !holds(r.out, dir) || s.status().Apps[0].Generation != gen {
				t.Errorf("%q: %+v", names, r)
			}
			for _, name := range names {
				if !strings.Contains(r.errout, name) {
					t.Errorf("%q: %+v", names, r)
				}
			}
		}
		eventually(t, "each reload has its record", func() bool { return len(s.events("restart_needed")) >= gen-1 })
		if list := s.events("restart_needed"); len(list) != gen-1 || list[len(list)-1].str("settings") != strings.Join(names, ", ") {
			t.Errorf("%q: %v", names, list)
		}
		if n := len(s.events("reload_failed")); n != 0 {
			t.Errorf("%q: %d reloads are said to have failed", names, n)
		}
	}
	write(t, dir, map[string]string{"standpipe.toml": before})
	if r := s.order("reload"); r.code != 0 {
		t.Errorf("as it was: %+v", r)
	}
}
