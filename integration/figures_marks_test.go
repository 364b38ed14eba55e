package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// mark waits for a mark of that kind, and returns the last one.
func (s *server) mark(kind string) (m mark) {
	s.t.Helper()
	eventually(s.t, "there is a mark "+kind, func() bool {
		for _, one := range s.top().Figures.Marks {
			if one.Kind == kind {
				m = one
			}
		}
		return m.Kind != ""
	})
	return m
}

// What happens to workers and code is marked with its cause.
func TestMarks(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"shop.py": figuresApp, "standpipe.toml": oneApp})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	if m := s.mark("started"); m.App != "" || m.Bad || time.Since(m.At) > time.Minute {
		t.Errorf("%+v", m)
	}
	kill(t, s.waitServing(1)["shop/1"])
	if m := s.mark("worker_exit"); m.App != "shop" || m.Worker != "shop/1" || !m.Bad || !strings.Contains(m.Text, "signal:9") || !strings.Contains(m.Text, "outside") {
		t.Errorf("%+v", m)
	}
	eventually(t, "another one serves", func() bool { return s.status().Apps[0].Ready == 1 })
	s.must("reload")
	if m := s.mark("reloaded"); m.App != "shop" || m.Bad || !strings.Contains(m.Text, "2") {
		t.Errorf("%+v", m)
	}
	s.must("restart", "shop/1")
	if m := s.mark("restarted"); m.Worker != "shop/1" || m.Bad {
		t.Errorf("%+v", m)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("shop.py", "import no_such_module\n")
	if r := s.order("reload"); r.code != 1 {
		t.Errorf("%+v", r)
	}
	if m := s.mark("reload_failed"); m.App != "shop" || !m.Bad || !strings.Contains(m.Text, "no_such_module") {
		t.Errorf("%+v", m)
	}
	write("standpipe.toml", strings.Replace(oneApp, "workers = 1", "workers = \"many\"", 1))
	if r := s.order("reload"); r.code != 1 {
		t.Errorf("%+v", r)
	}
	eventually(t, "the configuration's failure is marked", func() bool {
		return slices.ContainsFunc(s.top().Figures.Marks, func(m mark) bool {
			return m.Kind == "reload_failed" && m.App == "" && m.Bad && strings.Contains(m.Text, "many")
		})
	})
	s.must("scale", "shop=2")
	if m := s.mark("scaled"); m.App != "shop" || m.Bad || !strings.Contains(m.Text, "from 1 to 2") {
		t.Errorf("%+v", m)
	}
	exits := 0
	var last time.Time
	for _, m := range s.top().Figures.Marks {
		if m.Kind == "worker_exit" {
			exits++ // reloads and restarts are not exits that nothing has asked for
		}
		if m.At.Before(last) {
			t.Errorf("%+v comes after %v", m, last)
		}
		last = m.At
	}
	if exits != 1 {
		t.Errorf("%+v", s.top().Figures.Marks)
	}
}
