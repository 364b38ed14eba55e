package supervisor

import (
	"context"
	"slices"

	"github.com/standpipe/standpipe/shim"
)

// Retire is Stop for a pool that gets no further requests while the server goes on:
// what it runs and what is in its line is finished first, until ctx ends.
func (p *Pool) Retire(ctx context.Context) {
	p.Resume() // nobody else can any more
	for ended := false; !ended; {
		p.mu.Lock()
		ended = !p.busy()
		freed := p.changes.wait()
		p.mu.Unlock()
		if ended {
			break
		}
		select {
		case <-freed:
		case <-ctx.Done():
			ended = true
		}
	}
	p.Stop(ctx)
}

// busy reports whether a worker runs a request, or one waits. mu is held.
func (p *Pool) busy() bool {
	return p.line.len() > 0 || slices.ContainsFunc(p.workers, func(w *Worker) bool { return w.inFlight > 0 })
}

// Stop ends all workers: those that are idle at once, and what still runs is
// told to leave, then killed. It returns when every process is reaped, or kills
// what is left when ctx ends, and then returns.
func (p *Pool) Stop(ctx context.Context) { p.StopFor(ctx, Shutdown) }

// StopFor is Stop with another reason in the workers' records: Upgrade.
func (p *Pool) StopFor(ctx context.Context, why Reason) {
	p.mu.Lock()
	if end, ok := ctx.Deadline(); ok {
		p.until = end
	}
	p.halt(why)
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
func (p *Pool) halt(why Reason) {
	if p.stopping {
		return
	}
	p.stopping, p.ending = true, why
	close(p.stop)
	p.line.refuse(shim.ErrStopping)
	for _, s := range p.slots {
		s.close(why)
	}
	for _, w := range p.workers { // those of slots that were closed before, too
		offer(w.inputs.retire, why)
	}
	p.sweep()
}

// Kill sends SIGKILL to every worker's group at once. Stop still waits for them.
func (p *Pool) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halt(Shutdown)
	if p.killing {
		return
	}
	p.killing = true
	for _, w := range p.workers {
		close(w.inputs.kill)
	}
	for _, t := range p.templates {
		close(t.inputs.kill)
	}
}
