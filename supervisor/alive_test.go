package supervisor

import (
	"context"
	"testing"
	"time"
)

// What the watchdog asks: a pool whose lock is held, or whose housekeeping is stuck, is not alive.
func TestAlive(t *testing.T) {
	p := New(Options{App: "shop"})
	soon := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	if err := p.Alive(t.Context()); err != nil {
		t.Errorf("before its start: %v", err)
	}
	p.core.mu.Lock()
	if err := p.Alive(soon()); err == nil {
		t.Error("alive with its lock held")
	}
	p.core.started = true // its keeper does not run
	p.core.mu.Unlock()
	if err := p.Alive(soon()); err == nil {
		t.Error("alive without its housekeeping")
	}
	p.core.done.Go(p.keeper.run)
	if err := p.Alive(t.Context()); err != nil {
		t.Error(err)
	}
	p.Stop(t.Context(), Shutdown)
	if err := p.Alive(t.Context()); err != nil {
		t.Errorf("after its stop: %v", err)
	}
}
