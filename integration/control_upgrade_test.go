package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	env, runtime := runtimeFolder(t)
	args := []string{"-w", "1", "--timeout", "100"}
	if metrics != "" {
		args = append(args, "--metrics", metrics)
	}
	dir := steady(t)
	s := start(t, opts{Dir: dir, App: "app:app", Env: env, Args: args})
	g := newGate(t)
	waiting := s.background("/gate?" + g.path)
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
	link := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for how, r := range map[string]result{
		"of this folder":            run(t, dir, env, "status", "--json"),
		"of a link to this folder":  run(t, link, env, "status", "--json"),
		"by the run-time folder":    run(t, built.dir, append(env, "STANDPIPE_RUNTIME_DIR="+runtime), "status", "--json"),
		"by the variable":           run(t, built.dir, append(env, "STANDPIPE_CONTROL="+path), "status", "--json"),
		"by the flag":               run(t, built.dir, env, "status", "--json", "--control", path),
		"of this folder, to change": run(t, dir, env, "log-level", "info"),
	} {
		if r.code != 0 || strings.Contains(how, "change") == strings.Contains(r.out, fmt.Sprint(`"pid": `, s.Pid)) {
			t.Errorf("%s: %+v", how, r)
		}
	}
	if !waiting.running() || !alive(old) {
		t.Error("the old one did not finish what it ran")
	}
	g.open(t)
	if r := waiting.wait(t); r.Status != 200 {
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
