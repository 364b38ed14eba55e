package integration

import (
	"slices"
	"syscall"
	"testing"
	"time"
)

// An app that was ready and has no worker any more, because its boots fail, is not ready; one whose line is full is. Both are
// ready again by themselves.
func TestFault_B11_NotReadyWithoutWorkers(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	dir := project(t, map[string]string{"a/app.py": hello("a"), "b/app.py": `import os, time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/b/wait":
        while not os.path.exists("` + g.path + `"):
            time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"b"]
`})
	s := start(t, opts{Dir: dir, Args: []string{
		"--app", "name=a,module=app:app,dir=a,workers=2", "--app", "name=b,module=app:app,dir=b,workers=1,mount=/b,queue=1,timeout=1h,queue-timeout=1h"}})
	eventually(t, "both workers of a are ready", func() bool { return s.status().Apps[0].Ready == 2 })
	is := func(path string, want int) {
		t.Helper()
		if r := s.get(path); r.Status != want {
			t.Errorf("%s: %d, want %d", path, r.Status, want)
		}
	}
	for _, path := range []string{"/readyz", "/readyz/a", "/readyz/b", "/livez"} {
		is(path, 200)
	}

	// b is busy, its line is full, and further requests are refused.
	var waiting []*async
	for range 8 {
		waiting = append(waiting, s.backgroundFor(time.Hour, "/b/wait"))
	}
	refused := func(a *async) bool { return !a.running() && a.err == nil && a.resp.Status == 503 }
	within(t, bootPatience, "the line of b is full", func() bool { return slices.ContainsFunc(waiting, refused) })
	is("/readyz/b", 200)
	is("/readyz", 200)

	// a breaks and loses its workers.
	write(t, dir, map[string]string{"a/app.py": "raise RuntimeError('broken')\n"})
	for _, w := range s.status().Apps[0].Processes {
		_ = syscall.Kill(w.Pid, syscall.SIGKILL)
	}
	within(t, bootPatience, "a is not ready", func() bool { return s.get("/readyz/a").Status == 503 })
	is("/readyz", 503)
	is("/readyz/b", 200)
	is("/livez", 200)
	if r := s.waitEvent("not_ready"); r.str("app") != "a" {
		t.Errorf("%v", r)
	}

	write(t, dir, map[string]string{"a/app.py": hello("a")})
	within(t, bootPatience, "a is ready again", func() bool { return s.get("/readyz").Status == 200 })
	s.want(200, "/")
	if r := s.waitEvent("ready_again"); r.str("app") != "a" {
		t.Errorf("%v", r)
	}
	if r := s.events("not_ready"); len(r) != 1 {
		t.Errorf("%v", r)
	}
	g.open(t)
	for _, a := range waiting {
		a.wait(t)
	}
	s.want(200, "/b/")
}
