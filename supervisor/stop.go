package supervisor

import (
	"context"

	"github.com/standpipe/standpipe/shim"
)

// Stop ends all workers: those that are idle at once, and what still runs is
// told to leave, then killed. It returns when every process is reaped, or kills
// what is left when ctx ends, and then returns.
func (p *Pool) Stop(ctx context.Context) {
	p.mu.Lock()
	p.halt()
	p.mu.Unlock()

	done := make(chan struct{})
	go func() { p.done.Wait(); close(done) }() // ends with the slots
	select {
	case <-done:
	case <-ctx.Done():
		p.Kill()
		<-done
	}
}

// halt begins the stop. mu is held.
func (p *Pool) halt() {
	if p.stopping {
		return
	}
	p.stopping = true
	close(p.stop)
	p.line.refuse(shim.ErrStopping)
	for _, s := range p.slots {
		s.close(Shutdown)
	}
	for _, w := range p.workers { // those of slots that were closed before, too
		offer(w.retire, Shutdown)
	}
	p.sweep()
}

// Kill sends SIGKILL to every worker's group at once. Stop still waits for them.
func (p *Pool) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halt()
	if p.killing {
		return
	}
	p.killing = true
	for _, w := range p.workers {
		close(w.kill)
	}
	for _, t := range p.templates {
		close(t.kill)
	}
}
