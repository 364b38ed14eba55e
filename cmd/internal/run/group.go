package run

import (
	"context"
	"sync"
)

// group owns goroutines that end together. Each one ends when its context ends, and close
// waits for all of them. The zero value is not ready: use newGroup.
type group struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

func newGroup(ctx context.Context) *group {
	ctx, cancel := context.WithCancel(ctx)
	return &group{ctx: ctx, cancel: cancel}
}

// start runs actor in a goroutine. It reports false after close, and runs nothing then.
func (g *group) start(actor func(ctx context.Context)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.wg.Go(func() { actor(g.ctx) })
	return true
}

// close ends the context of the actors and waits for them. It may be called more than once.
func (g *group) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.wg.Wait()
}
