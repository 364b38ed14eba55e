package integration

import (
	"fmt"
	"testing"
)

// After an upgrade the commands and the scraper find the new process where the old one was, while the old one still
// finishes what it runs.
func TestUpgradeTakesTheControlSocket(t *testing.T) {
	t.Parallel()
	t.Run("metrics on the socket alone", func(t *testing.T) { t.Parallel(); upgradeTakesControl(t, "") })
	t.Run("metrics at an address", func(t *testing.T) { t.Parallel(); upgradeTakesControl(t, "127.0.0.1:"+freePort(t)) })
}

func upgradeTakesControl(t *testing.T, metrics string) {
	env, _ := runtimeFolder(t)
	args := []string{"-w", "1", "--timeout", "100"}
	if metrics != "" {
		args = append(args, "--metrics", metrics)
	}
	s := start(t, opts{Dir: steady(t), App: "app:app", Env: env, Args: args})
	g := newGate(t)
	held := s.background("/gate?" + g.path)
	eventually(t, "it runs", func() bool { return s.status().Apps[0].Busy == 1 })
	if metrics != "" {
		s.metrics("tcp", metrics)
	}
	old, path := s.Pid, s.controlSocket()
	s.usr2()
	s.upgraded()
	eventually(t, "the new one has the socket", func() bool { return len(s.events("control_socket")) == 2 })
	if again := s.events("control_socket")[1].str("path"); again != path {
		t.Errorf("the new socket is %s, not %s", again, path)
	}
	if st := s.status(); st.Pid != s.Pid || s.Pid == old || st.Apps[0].Busy != 0 {
		t.Errorf("%+v, the new one is %d", st, s.Pid)
	}
	if metrics != "" {
		s.metrics("tcp", metrics)
	}
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
