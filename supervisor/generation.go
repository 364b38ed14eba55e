package supervisor

import (
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// generation is one version of the Options of a pool. Its Options do not change: a reload makes another one.
type generation struct {
	Options
	number  int
	boots   *BootLimiter
	changed chan struct{} // capacity 1: something below has changed

	// Under the pool's lock:
	release   string       // the folder that it runs in; empty: not known yet
	boot      wire.Boot    // with the release's paths
	template  *template    // that makes its workers; nil: there is none
	live      int          // workers of it that have or may have a process
	successes int          // workers of it that have become ready, ever
	killed    int          // boots that were killed from outside since one was ready
	failure   *BootFailure // of its last boot; nil after a Ready
	pace      pace
}

func newGeneration(o Options, number int) *generation {
	if o.Spawner == nil {
		o.Spawner = process.Exec{}
	}
	o.Workers = max(o.Workers, 1)
	o.MaxWorkers = max(o.MaxWorkers, o.Workers)
	o.Threads = max(o.Threads, 1)
	if o.Threads > 1 || o.Boot.Gevent {
		o.Prefetch = 0 // its threads take requests without a wait between two
	}
	o.Boot.Threads, o.Boot.Prefetch = o.Threads, o.Prefetch
	return &generation{
		Options: o, number: number, boots: &BootLimiter{limit: o.BootLimit, parent: o.Boots}, changed: make(chan struct{}, 1),
		pace: pace{smooth: 2 * prefetchWait}, boot: o.Boot,
	}
}

// rules are those of a process of the generation.
func (g *generation) rules(program, what string) rules {
	return rules{
		program: program, what: what, hash: g.Hash, warms: g.Warmup != nil,
		bootTimeout: g.BootTimeout, bootTick: g.BootTick, drainLimit: g.DrainLimit, drainGrace: g.DrainGrace,
		interruptGrace: g.InterruptGrace, termGrace: g.TermGrace, deathSoon: workerDeath,
	}
}

// surge is how many workers more than configured may live during a reload.
func (g *generation) surge(slots int) int {
	if g.Surge > 0 {
		return g.Surge
	}
	return max(1, slots/4)
}

// nudge wakes the reload that waits for the generation. The lock need not be held.
func (g *generation) nudge() { offer(g.changed, struct{}{}) }

// runsIn takes note of where a generation runs.
func (g *generation) runsIn(c *core, command process.Command) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if command.Dir != "" {
		g.release, g.boot.Dir, g.boot.PythonPath = command.Dir, command.Dir, command.PythonPath
	}
}

// bootMessage is the boot message of the workers of g.
func (g *generation) bootMessage(c *core) wire.Boot {
	c.mu.Lock()
	defer c.mu.Unlock()
	return g.boot
}
