package metrics

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/supervisor"
)

// The invariants. A violation is an error in standpipe.
const (
	slotsAddUp    = "slots_do_not_add_up" // each slot is in exactly one state
	dispatchStall = "dispatch_stall"      // no request waits while a worker is idle
)

type violation struct{ app, invariant string }

// watchTick is the time between two looks; a violation that two looks in a row have seen has
// lasted that long.
const watchTick = time.Second

// Watch checks once a second whether the invariants hold, until ctx ends. A violation that
// lasts is logged once, and exported until it is over.
func (m *Metrics) Watch(ctx context.Context, log hclog.Logger) {
	tick := time.NewTicker(watchTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, p := range m.pools() {
			s := p.Stats()
			m.look(log, s, slotsAddUp, s.Idle+s.Busy+s.Booting+s.Draining+s.BackingOff != s.Workers)
			m.look(log, s, dispatchStall, s.Waiting > 0 && s.Idle > 0 && s.Oldest > watchTick && !s.Paused && !s.Stopping)
		}
	}
}

func (m *Metrics) look(log hclog.Logger, s supervisor.Stats, invariant string, broken bool) {
	v := violation{s.App, invariant}
	gauge := m.violated.WithLabelValues(s.App, invariant)
	if !broken {
		delete(m.seen, v)
		gauge.Set(0)
		return
	}
	m.seen[v]++
	if m.seen[v] < 2 {
		return
	}
	gauge.Set(1)
	if m.seen[v] == 2 {
		log.Error(invariant, "app", s.App, "configured", s.Workers, "idle", s.Idle, "busy", s.Busy, "booting", s.Booting, "draining", s.Draining,
			"backing_off", s.BackingOff, "surplus", s.Surplus, "ready", s.Ready, "waiting", s.Waiting, "oldest", s.Oldest,
			"message", "an invariant has not held for a second: this is an error in standpipe, please report it")
	}
}
