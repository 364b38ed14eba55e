package integration

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// With surge = "none" a worker has ended before the next one of its place is started: what an app takes at import and two
// cannot have is free by then, in a recycling, a reload and a restart, and no request is lost.
func TestFault_B12_StopsBeforeTheNextStarts(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"version.py": "VERSION = 'v1'\n", "app.py": `import fcntl, os
from version import VERSION
lock = open("lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where another one has it
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("%s %s %d" % (VERSION, os.environ["STANDPIPE_WORKER"], os.getpid())).encode()]
`})
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "1", "--surge", "none", "--max-requests", "5", "--queue-timeout", "1ms"}})
	name := s.status().Apps[0].Name
	pids := map[string]bool{}
	ask := func(version string) {
		t.Helper()
		f := strings.Fields(s.want(200, "/").Body)
		if f[0] != version || f[1] != "0" {
			t.Fatalf("%q, want %s", f, version)
		}
		pids[f[2]] = true
	}
	for range 40 {
		ask("v1")
	}
	if len(pids) < 4 {
		t.Errorf("%d workers for 40 requests", len(pids))
	}
	setVersion(t, dir, "v2")
	s.hup(1)
	ask("v2")
	s.must("restart", name+"/1")
	ask("v2")

	// New code that does not start: the old version comes back.
	write(t, dir, map[string]string{"bad.py": "", "app.py": "raise RuntimeError('broken')\n"})
	n := len(s.events("reload_failed"))
	_ = syscall.Kill(s.Pid, syscall.SIGHUP)
	within(t, bootPatience, "the reload is refused", func() bool { return len(s.events("reload_failed")) > n })
	// There is one folder, so the old generation runs the broken code too until it is repaired.
	setVersion(t, dir, "v3")
	write(t, dir, map[string]string{"app.py": hello("fine")})
	within(t, bootPatience, "it serves again", func() bool { return s.get("/").Status == 200 })
}

// Of several workers one has the lock (APScheduler's usual recipe), also after each replacement.
func TestFault_B12_SchedulerSurvives(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": `import fcntl, os
lock = open("lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    ROLE = "scheduler"
except OSError:
    ROLE = "worker"
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [ROLE.encode()]
`})
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "2", "--surge", "none", "--max-requests", "4", "--max-requests-jitter", "0", "--queue-timeout", bootQueue}})
	scheduled := func(when string) {
		t.Helper()
		within(t, bootPatience, "a scheduler "+when, func() bool { return s.want(200, "/").Body == "scheduler" })
	}
	scheduled("at the start")
	for range 40 {
		s.want(200, "/")
	}
	scheduled("after recycling")
	for n := range 3 {
		s.hup(n + 1)
		scheduled(fmt.Sprintf("after reload %d", n+1))
	}
	if r := s.events("reload_failed"); len(r) > 0 {
		t.Errorf("%v", r)
	}
}
