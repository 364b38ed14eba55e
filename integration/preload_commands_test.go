package integration

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// SIGTERM to everybody, as systemd sends it: what runs is answered, and all end.
func TestPreloadStops(t *testing.T) {
	t.Parallel()
	s := preloaded(t, 2, opts{})
	gate := newGate(t)
	a := s.background("/gate?" + gate.path)
	s.printed("at the gate")
	s.workers()
	for _, pid := range tree(s.Pid) {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	s.waitEvent("stopping")
	gate.open(t)
	if r := a.wait(t); r.Status != 200 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if code := s.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, r := range s.events("template_exit") {
		if r.str("cause") != "exit:0" || r.str("reason") != "shutdown" {
			t.Errorf("%v", r)
		}
	}
}

func TestPreloadOfABrokenApp(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": "import nothing_of_that_name\n"})
	r := run(t, dir, nil, "check", "--load", "--preload", "app:app")
	if r.code != 3 || !strings.Contains(r.out, "nothing_of_that_name") {
		t.Errorf("%+v", r)
	}
	write(t, dir, map[string]string{"app.py": "import standpipe_shim\n@standpipe_shim.on_fork\ndef connect():\n    raise OSError('no database')\n" + hello("x")})
	r = run(t, dir, nil, "check", "--load", "--preload", "app:app")
	if r.code != 3 || !r.names("on_fork", "app.py:4", "OSError", "no database") {
		t.Errorf("%+v", r)
	}
	write(t, dir, map[string]string{"app.py": hello("x")})
	if r = run(t, dir, nil, "check", "--load", "--preload", "app:app"); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// The status shows the template beside its workers, and what each costs by itself.
func TestPreloadStatus(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("a")})
	control := filepath.Join(dir, "control.sock")
	start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "2", "--preload", "--control", control}})
	eventually(t, "the status has all three processes", func() bool {
		r := run(t, dir, nil, "status", "--control", control)
		if r.code != 0 {
			t.Fatalf("%d\n%s%s", r.code, r.out, r.errout)
		}
		return holds(r.out, "/template ", "/1 ", "/2 ")
	})
}

// A reload makes a new template, and greenlets run in what it forks.
func TestPreloadReloadAndGevent(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"--gevent=50", "--threads=4"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			app := func(version string) string {
				return "import os, time\nVERSION = '" + version + "'\n" + `
def app(environ, start_response):
    if environ["PATH_INFO"] == "/gate":
        while not os.path.exists(environ["QUERY_STRING"]):
            time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [VERSION.encode()]
`
			}
			dir := project(t, map[string]string{"app.py": app("v1")})
			s := start(t, opts{App: "app:app", Dir: dir, Python: python(t), Args: []string{"-w", "2", "--preload", mode, "--queue-timeout", bootQueue, "--timeout", "10m"}})
			g := newGate(t)
			var waiting []*async
			for range 8 { // more than workers: they run beside each other
				waiting = append(waiting, s.background("/gate?"+g.path))
			}
			write(t, dir, map[string]string{"app.py": app("v2")})
			s.hup(1)
			if n := len(s.events("reloaded")); n != 1 {
				t.Fatalf("%d reloads have succeeded", n)
			}
			if r := s.want(200, "/"); r.Body != "v2" {
				t.Errorf("%q after the reload", r.Body)
			}
			g.open(t)
			for _, a := range waiting {
				if r := a.wait(t); r.Status != 200 {
					t.Errorf("a request from before: %d %q", r.Status, r.Body)
				}
			}
		})
	}
}
