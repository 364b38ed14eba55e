package supervisor

import (
	"time"

	"github.com/standpipe/standpipe/shim"
)

// bootEnded lets the next one boot, and returns the pause until then. tell: the
// failure is the pool's; that of a reload is told by Reload, and that of a boot which
// was killed from outside is in the record of its exit.
func (p *Pool) bootEnded(w *Worker, how bootEnd, e BootFailure) (pause time.Duration, tell bool) {
	failed := how == bootFailed
	if failed && e.Outside && p.tolerates(w.gen) {
		how = bootLeft
	}
	pause = w.boot.end(how)
	_, booting := w.gen.boots.state()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bootsFail = p.bootsFail || failed && w.gen == p.gen && len(p.able) == 0 // a reload that fails says nothing about what serves
	switch how {
	case booted:
		w.gen.ready++
		w.gen.killed = 0
		w.gen.failure = nil
		if w.gen == p.gen {
			p.failure = nil
		}
		w.gen.nudge()
		return 0, false
	case bootLeft:
		return 0, false
	}
	p.count.BootFailures++
	p.changes.tell()
	w.gen.failure = &e
	w.gen.nudge()
	if w.gen != p.gen {
		return pause, w.gen.ready > 0
	}
	p.failure = &e
	if p.hopeless() {
		p.line.refuse(shim.ErrNoWorkers)
		if booting == 0 && !p.everUp {
			p.downOnce.Do(func() { close(p.down) })
		}
	}
	return pause, true
}

// killedBoots is how many boots per slot may be killed from outside before that
// counts against a generation of which no worker has been ready: where each one is
// killed (by the kernel at exec under a small limit_as, say) the start has to end.
const killedBoots = 3

// tolerates counts a boot that was killed from outside. It says nothing about the code,
// so there is no back-off and no failure, unless the generation has never been ready and
// too many were killed.
func (p *Pool) tolerates(g *generation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	g.killed++
	return g.ready > 0 || g.killed < killedBoots*max(1, len(p.slots))
}
