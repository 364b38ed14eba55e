package supervisor

import (
	"sync"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// boots decides what the end of a boot means to the pool.
type boots struct {
	*core
	dispatch *dispatcher
	down     chan struct{} // closed when boots have failed, none is under way, and no worker has been ready
	downOnce sync.Once
}

// killedBoots is how many boots per slot may be killed from outside before that counts against a generation without a worker
// that was ready: where each boot is killed (by the kernel at exec under a small limit_as, say) the start has to end.
const killedBoots = 3

// ended lets the next worker boot, and returns the pause until then. tell: the pool reports the failure. That of a reload is
// reported by the reload, and that of a boot that was killed from outside is in the record of its exit.
func (b *boots) ended(gen *generation, admitted *boot, how bootEnd, e BootFailure) (pause time.Duration, tell bool) {
	failed := how == bootFailed
	if failed && e.Outside && b.tolerates(gen) {
		how = bootLeft
	}
	pause = admitted.end(how)
	_, booting := gen.boots.state()
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.dispatch
	if failed && gen == b.gen && servingOf(d) == 0 { // a reload that fails says nothing about what serves
		d.bootsFail = true
	}
	switch how {
	case booted:
		gen.successes++
		gen.killed = 0
		gen.failure = nil
		if gen == b.gen {
			d.failure = nil
		}
		gen.nudge()
		return 0, false
	case bootLeft:
		return 0, false
	}
	b.count.BootFailures++
	b.changes.tell()
	gen.failure = &e
	gen.nudge()
	if gen != b.gen {
		return pause, gen.successes > 0
	}
	d.failure = &e
	if d.hopeless() {
		d.queue.refuse(shim.ErrNoWorkers)
		if booting == 0 && !d.everUp {
			b.downOnce.Do(func() { close(b.down) })
		}
	}
	return pause, true
}

// tolerates counts a boot that was killed from outside. It says nothing about the code, so there is no pause and no failure,
// unless the generation was never ready and too many boots were killed.
func (b *boots) tolerates(g *generation) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	g.killed++
	return g.successes > 0 || g.killed < killedBoots*max(1, b.dispatch.slots)
}
