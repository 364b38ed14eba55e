package upstream

import (
	"context"
	"math/rand/v2"
	"time"
)

// Checks is when the Probes of a Group run.
type Checks struct {
	Every   time.Duration // 0: never
	Timeout time.Duration // of one
	Jitter  int           // how much earlier or later one runs, in percent of Every
}

// Start starts the goroutines: one for the ends of ejections and the periods of the budget, one for the checks of each member that has a Probe. They end
// with Stop. It also makes the Group the one that hears of ends of requests.
func (g *Group) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	g.ctx, g.end = ctx, cancel
	for _, m := range g.Members {
		m.slots.Store(g.slots)
	}
	if g.MaxFails > 0 || g.RetryBudget > 0 {
		g.running.Go(func() { g.sweep(ctx) })
	}
	for _, m := range g.Members {
		if m.Probe != nil && g.Checks.Every > 0 && !m.Down {
			g.running.Go(func() { g.check(ctx, m) })
		}
	}
}

// Stop ends them and waits for them. Requests are not touched.
func (g *Group) Stop() {
	if g.end != nil {
		g.end()
		g.running.Wait()
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
		for _, m := range g.Members {
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
