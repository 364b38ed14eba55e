package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/standpipe/standpipe/cmd/internal/systemd"
)

// speak begins to tell the service manager, if there is one, how this service does.
// The function that comes back ends it.
func (s *serving) speak(ctx context.Context) (end func()) {
	s.manager = systemd.Open(os.Getenv, os.Getpid(), func(err error) {
		s.log.Warn("notify_failed", "error", err, "message", "the service manager cannot be told how this service does (NOTIFY_SOCKET)")
	})
	if s.manager == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var loop sync.WaitGroup
	manager := s.manager
	loop.Go(func() { // ends by end
		manager.Loop(ctx, systemd.Watch{
			Status: s.status, Healthy: s.healthy,
			Sick: func(err error) {
				s.log.Error("watchdog_held", "error", err, "message", "this process is stuck; the watchdog is not fed, so that the service manager ends it")
			},
		})
	})
	return func() { cancel(); loop.Wait() }
}

// status is the service in one line.
func (s *serving) status() string {
	var apps []string
	for _, p := range s.srv.Pools() {
		st := p.Stats()
		text := fmt.Sprintf("%d/%d workers ready, %d requests served", st.Ready, st.Workers, st.Counts.Served)
		if st.Asleep {
			text = fmt.Sprintf("asleep, %d requests served", st.Counts.Served)
		}
		if st.Waiting > 0 {
			text += fmt.Sprintf(", %d waiting", st.Waiting)
		}
		if st.Reloading {
			text += ", reloading"
		}
		apps = append(apps, p.App()+": "+text)
	}
	return strings.Join(apps, "; ")
}

// healthy: each pool can give out workers and looks after them.
func (s *serving) healthy(ctx context.Context) error {
	for _, p := range s.srv.Pools() {
		if err := p.Alive(ctx); err != nil {
			return fmt.Errorf("app %q: its dispatcher does not answer: %w", p.App(), err)
		}
	}
	return nil
}
