package integration

import (
	"fmt"
	"testing"
)

// After an upgrade the commands and the scraper find the new process where the old one was, while the old one still
// finishes what it runs.
func TestUpgradeTakesTheControlSocket(t *testing.T) {
	t.Parallel()
	env, _ := runtimeFolder(t)
	metrics := "127.0.0.1:" + freePort(t)
	s := start(t, opts{Dir: steady(t), App: "app:app", Env: env, Args: []string{"-w", "1", "--metrics", metrics, "--timeout", "100"}})
	g := newGate(t)
	held := s.background("/gate?" + g.path)
	eventually(t, "it runs", func() bool { return s.status().Apps[0].Busy == 1 })
	s.metrics("tcp", metrics)
	old, path := s.Pid, s.controlSocket()
	s.usr2()
	s.upgraded()
	eventually(t, "the new one has the socket", func() bool { return len(s.events("control_socket")) == 2 && len(s.events("metrics")) == 2 })
	if again := s.events("control_socket")[1].str("path"); again != path {
		t.Errorf("the new socket is %s, not %s", again, path)
	}
	if st := s.status(); st.Pid != s.Pid || s.Pid == old || st.Apps[0].Busy != 0 {
		t.Errorf("%+v, the new one is %d", st, s.Pid)
	}
	s.metrics("tcp", metrics)
	if r := run(t, built.dir, env, "status"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if !held.running() || !alive(old) {
		t.Error("the old one did not finish what it ran")
	}
	g.open(t)
	if r := held.wait(t); r.Status != 200 {
		t.Errorf("%d", r.Status)
	}
	s.oldEnded(patience)
	if out := s.must("status"); out == "" || !alive(s.Pid) { // its end has not taken the new one's socket
		t.Errorf("%q", out)
	}
	if out := s.must("stop"); out != "stopped\n" {
		t.Errorf("%q", out)
	}
	eventually(t, fmt.Sprintf("%d has ended", s.Pid), func() bool { return !alive(s.Pid) })
}
