package supervisor

import (
	"sync"
	"time"
)

// core has what all objects of a pool share: the lock, the generations, the counts and the stop. It knows none of them. The
// lock guards all of them, each for a moment; nothing waits or reads a file under it.
type core struct {
	app  string
	emit func(Event)   // reports an event; mu is not held
	stop chan struct{} // closed when the pool stops: no further worker is started
	done sync.WaitGroup

	mu       sync.Mutex
	gen      *generation // the one that serves; its Options say how the pool works
	next     *generation // of a reload that has not succeeded yet; nil: none
	started  bool
	stopping bool
	ending   Reason    // why, when it is stopping
	until    time.Time // the end of the stop budget, when it is stopping; zero: there is none
	killing  bool
	count    Counts
	changes  broadcast // Retire and Restart wait for it
}

// lastOutput is how long the end of a dead process's output is waited for.
func lastOutput(c *core) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killing { // the time of the stop is over
		return 100 * time.Millisecond
	}
	return time.Second
}

// stopView is the part of a view that is about the stop; SIGTERM is due grace before the end of its budget. mu is held.
func stopView(c *core, grace time.Duration) view {
	v := view{stopping: c.stopping}
	if c.stopping && !c.until.IsZero() {
		v.stopEnd = c.until.Add(-grace - killMargin)
	}
	return v
}
