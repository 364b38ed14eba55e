package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// slow waits for a slow request of that target for which ok holds.
func (s *server) slow(target string, ok func(*slowOne) bool) (found slowOne) {
	s.t.Helper()
	eventually(s.t, "slow request "+target, func() bool {
		for _, one := range s.top().Figures.Requests {
			if one.Target == target && ok(&one) {
				found = one
				return true
			}
		}
		return false
	})
	return found
}

// A request is listed as slow while it runs, with the line that a dump has found, and when it has ended, with where its time went.
func TestSlowRequest(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"shop.py": figuresApp})
	s := start(t, opts{App: "shop:app", Dir: dir, Args: []string{"-w", "1", "--slow-request", "200ms"}})
	gate := filepath.Join(t.TempDir(), "gate")
	running, queued := s.background("/wait?"+gate), (*async)(nil)
	one := s.slow("/wait?"+gate, func(r *slowOne) bool { return r.Runs })
	if one.App != "shop" || one.Worker != "shop/1" || one.Method != "GET" || one.ID == "" || one.Status != 0 || one.Seconds < .2 || one.Running > one.Seconds || one.Line != "" || time.Since(one.Started) > time.Minute {
		t.Errorf("%+v", one)
	}
	queued = s.background("/wait?" + gate + "&")
	s.must("dump", "shop/1")
	one = s.slow("/wait?"+gate, func(r *slowOne) bool { return r.Runs && r.Line != "" })
	if !strings.HasPrefix(one.Line, "shop.py:8 in app") && !strings.HasPrefix(one.Line, "shop.py:7 in app") {
		t.Errorf("%+v", one)
	}
	eventually(t, "the other one waits", func() bool { return s.top().Status.Apps[0].Waiting == 1 })
	waits := s.slow("/wait?"+gate+"&", func(r *slowOne) bool { return r.Runs && r.Waiting > .3 })
	if waits.App != "shop" || waits.Worker != "" || waits.Running != 0 || waits.Method != "GET" || waits.ID == "" {
		t.Errorf("%+v", waits)
	}
	for _, path := range []string{gate, gate + "&"} {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	running.wait(t)
	queued.wait(t)
	first := s.slow("/wait?"+gate, func(r *slowOne) bool { return !r.Runs })
	second := s.slow("/wait?"+gate+"&", func(r *slowOne) bool { return !r.Runs })
	if first.Status != 200 || first.ID != one.ID || first.Running < .2 || first.Waiting > first.Seconds || first.Line != one.Line {
		t.Errorf("%+v", first)
	}
	if second.Status != 200 || second.ID != waits.ID || second.Waiting < .3 || second.Waiting+second.Running+second.Receiving+second.Sending > second.Seconds+.001 {
		t.Errorf("%+v", second)
	}
	eventually(t, "both have records", func() bool { return len(s.events("slow_request")) == 2 })
	for _, r := range s.events("slow_request") {
		if r.str("app") != "shop" || r.str("worker") != "shop/1" || r.str("level") != "info" || r.str("status") != "200" || r.duration("rt") < 200*time.Millisecond || r.duration("wait")+r.duration("ran") > r.duration("rt")+time.Millisecond {
			t.Errorf("%v", r)
		}
	}
}

// A reload changes slow_request; without the setting there are no records.
func TestSlowRequestIsReloaded(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"shop.py": figuresApp, "standpipe.toml": oneApp})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	if got := s.top().Figures.Slow; got != 1 {
		t.Errorf("the default is %v s", got)
	}
	gate := filepath.Join(t.TempDir(), "gate")
	set := func(value string, seconds float64) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "standpipe.toml"), []byte(oneApp+"[log]\nslow_request = \""+value+"\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		s.must("reload")
		if got := s.top().Figures.Slow; got != seconds {
			t.Errorf("%s: %v s", value, got)
		}
	}
	slow := func() {
		t.Helper()
		_ = os.Remove(gate)
		waiting := s.background("/wait?" + gate)
		eventually(t, "it runs", func() bool { return s.top().Status.Apps[0].Busy == 1 })
		time.Sleep(1100 * time.Millisecond)
		if err := os.WriteFile(gate, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		waiting.wait(t)
	}
	slow()
	s.slow("/wait?"+gate, func(r *slowOne) bool { return !r.Runs })
	set("1ms", .001)
	if n := len(s.events("slow_request")); n != 0 {
		t.Errorf("%d records without the setting", n)
	}
	slow()
	s.waitEvent("slow_request")
	set("0", 0)
	n, before := len(s.events("slow_request")), len(s.top().Figures.Requests)
	slow()
	if f := s.top().Figures; len(f.Requests) != before || len(s.events("slow_request")) != n {
		t.Errorf("with 0: %+v", f.Requests)
	}
}
