package supervisor

import (
	"math/rand/v2"
	"sync"
	"time"
)

// The pause after a failed boot, doubled from one to the next.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 30 * time.Second
	// hungBoot is how long one boot keeps the others waiting while boots fail: one that
	// hangs (its process was stopped, say) would keep them from it until its boot timeout.
	hungBoot = 5 * time.Second
)

// gate says when a slot of one pool may start a worker. At first limit of them
// boot at a time (0: all). While the last boot failed, one boots at a time, or one more
// every hungBoot, after a pause that doubles; a worker that gets ready ends that.
type gate struct {
	limit int

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	booting int
	proven  bool      // a worker has become ready: twice limit may boot, so that an outage is short beside other load
	began   time.Time // the last boot
	failing bool
	pause   time.Duration
	next    time.Time // while failing: not before
}

func newGate(limit int) *gate { return &gate{limit: limit, changed: make(chan struct{})} }

// enter waits until a boot may begin; it returns false when stop was closed
// before. Each true is followed by one leave.
func (g *gate) enter(stop <-chan struct{}) bool {
	for {
		g.mu.Lock()
		limit := g.limit
		if g.proven {
			limit *= 2
		}
		free := limit == 0 || g.booting < limit
		wait := time.Duration(0)
		if g.failing {
			free = true
			wait = time.Until(g.next)
			if g.booting > 0 {
				wait = max(wait, time.Until(g.began.Add(hungBoot)))
			}
		}
		if free && wait <= 0 {
			g.booting++
			g.began = time.Now()
			g.mu.Unlock()
			return true
		}
		changed := g.changed
		g.mu.Unlock()

		var timer <-chan time.Time
		if free {
			timer = time.After(wait)
		}
		select {
		case <-stop:
			return false
		case <-changed:
		case <-timer:
		}
	}
}

// boot is how a boot ended.
type boot int

const (
	booted     boot = iota
	bootFailed      // the next one waits
	bootLeft        // nobody wanted it any more: it says nothing about the next one
)

// leave ends a boot. It returns the pause before the next one.
func (g *gate) leave(how boot) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.booting--
	switch how {
	case booted:
		g.failing, g.pause, g.proven = false, 0, true
	case bootFailed:
		if g.pause *= 2; !g.failing {
			g.pause = firstPause
		}
		g.pause = min(g.pause, lastPause)
		g.failing = true
		// Jitter of a quarter, so that several servers do not start in step.
		g.next = time.Now().Add(g.pause - g.pause/8 + time.Duration(rand.Int64N(int64(g.pause/4))))
	}
	close(g.changed)
	g.changed = make(chan struct{})
	return g.pause
}

// state reports whether the last boot failed, and how many are under way.
func (g *gate) state() (failing bool, booting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failing, g.booting
}
