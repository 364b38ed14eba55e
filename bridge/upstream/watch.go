package upstream

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Checks is when the Probes of a Group run.
type Checks struct {
	Every   time.Duration // 0: never
	Timeout time.Duration // of one
	Jitter  int           // how much earlier or later one runs, in percent of Every
}

// watching are the goroutines of a Group: one for the ends of ejections and the periods of the budget, one for the checks of
// each member that has a Probe.
type watching struct {
	mu      sync.Mutex
	ctx     context.Context // nil: it has not started
	end     context.CancelFunc
	checks  map[*Upstream]context.CancelFunc
	running sync.WaitGroup
}

// Start starts the goroutines. They end with Stop. From then on the ends of requests are reported to the Group.
func (g *Group) Start() {
	w := &g.watching
	w.mu.Lock()
	w.ctx, w.end = context.WithCancel(context.Background())
	w.checks = map[*Upstream]context.CancelFunc{}
	if g.MaxFails > 0 || g.RetryBudget > 0 {
		ctx := w.ctx
		w.running.Go(func() { g.sweep(ctx) })
	}
	w.mu.Unlock()
	g.follow(g.Members())
}

// Stop ends them and waits for them. Requests are not touched.
func (g *Group) Stop() {
	w := &g.watching
	w.mu.Lock()
	if w.end != nil {
		w.end()
	}
	w.mu.Unlock()
	w.running.Wait()
}

// follow starts the checks of members that are new, and ends those of members that are gone.
func (g *Group) follow(list []*Member) {
	w := &g.watching
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx == nil || w.ctx.Err() != nil {
		return
	}
	there := map[*Upstream]bool{}
	for _, m := range list {
		if m.MaxConns > 0 {
			m.slots.Store(&g.slots)
		}
		if m.Probe == nil || g.Checks.Every == 0 || m.Down {
			continue
		}
		there[m.Upstream] = true
		if w.checks[m.Upstream] == nil {
			ctx, cancel := context.WithCancel(w.ctx)
			w.checks[m.Upstream] = cancel
			w.running.Go(func() { g.check(ctx, m) })
		}
	}
	for u, cancel := range w.checks {
		if !there[u] {
			cancel()
			delete(w.checks, u)
		}
	}
}

// sweepTick is the time between two looks for ejections that are over.
const sweepTick = time.Second

// sweep ends ejections, and counts the sweeps that find no failure.
func (g *Group) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepTick)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		whole := now.Sub(last) >= sweepEvery
		if whole {
			last = now
			g.budget.sweep(now)
		}
		for _, m := range g.Members() {
			if whole || m.isOver(now) {
				g.happened(m, swept, now, "", nil)
			}
		}
	}
}

// isOver reports whether the time of an ejection has ended.
func (m *Member) isOver(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.health.ejected.IsZero() && !now.Before(m.health.ejected)
}

// check runs the checks of one member.
func (g *Group) check(ctx context.Context, m *Member) {
	timer := time.NewTimer(g.firstCheck(m, time.Now()))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		g.probe(ctx, m)
		timer.Reset(g.Checks.pause())
	}
}

// firstCheck is the time until the first check: none, unless the Group before a reload has checked.
func (g *Group) firstCheck(m *Member, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.check == nil {
		return 0
	}
	return max(0, min(g.Checks.pause(), m.check.At.Add(g.Checks.pause()).Sub(now)))
}

// pause is the time between two checks.
func (c *Checks) pause() time.Duration {
	spread := float64(c.Every) * float64(c.Jitter) / 100
	return c.Every + time.Duration(spread*(2*rand.Float64()-1))
}

// probe runs one check.
func (g *Group) probe(ctx context.Context, m *Member) {
	begun := time.Now()
	within, cancel := context.WithTimeout(ctx, g.Checks.Timeout)
	defer cancel()
	err := m.Probe(within)
	now := time.Now()
	if ctx.Err() != nil {
		return // it was interrupted
	}
	done := &LastCheck{At: now, Took: now.Sub(begun)}
	e := checkPassed
	if err != nil {
		e, done.Err = checkFailed, err.Error()
	}
	m.mu.Lock()
	m.check = done
	m.mu.Unlock()
	g.happened(m, e, now, "check", err)
}
