package integration

import (
	"encoding/json"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// `standpipe health` exits with 0 while the server takes requests, and else with 1, for whatever reason: Docker reserves 2.
func TestHealthCommand(t *testing.T) {
	t.Parallel()
	env, _ := onlyRuntimeFolder(t)
	dir := project(t, map[string]string{"a/app.py": hello("a"), "b/app.py": hello("b")})
	health := func(want int, args ...string) result {
		t.Helper()
		r := run(t, dir, env, append([]string{"health"}, args...)...)
		if r.code != want {
			t.Fatalf("health %q: %+v, want %d", args, r, want)
		}
		return r
	}
	health(1)
	s := start(t, opts{Dir: dir, Env: env, Args: []string{"--app", "name=a,module=app:app,dir=a,workers=1", "--app", "name=b,module=app:app,dir=b,workers=1,mount=/b"}})
	if r := health(0); r.out != "ok\n" || r.errout != "" {
		t.Errorf("%+v", r)
	}
	health(0, "a")
	health(1, "c")
	health(0, "--url", s.URL+"/readyz")
	health(2, "--url", "readyz")
	health(2, "a", "b")
	health(2, "--json=maybe")

	// a breaks and loses its worker.
	write(t, dir, map[string]string{"a/app.py": "raise RuntimeError('broken')\n"})
	_ = syscall.Kill(s.status().Apps[0].Processes[0].Pid, syscall.SIGKILL)
	s.waitEvent("not_ready")
	if r := health(1); r.out != "not ready: a\n" {
		t.Errorf("%+v", r)
	}
	health(0, "b")
	if r := health(1, "--url", s.URL+"/readyz"); !strings.Contains(r.out, "503") {
		t.Errorf("%+v", r)
	}
	var h struct {
		Ready bool
		Apps  []struct {
			Name  string
			Ready bool
		}
	}
	if r := health(1, "--json"); json.Unmarshal([]byte(r.out), &h) != nil || h.Ready || len(h.Apps) != 2 || h.Apps[0].Ready || !h.Apps[1].Ready {
		t.Errorf("%+v", h)
	}
	if r := health(0, "b", "--json"); json.Unmarshal([]byte(r.out), &h) != nil || !h.Ready || len(h.Apps) != 1 {
		t.Errorf("%+v", h)
	}
	if e := s.events("control"); slices.ContainsFunc(e, func(e record) bool { return e.str("command") == "health" }) {
		t.Error("a check leaves a record in the log")
	}
}
