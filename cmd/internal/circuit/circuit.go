// Package circuit keeps requests from waiting for a server that is away: the first error opens the circuit, and one goroutine then
// asks the server until it answers. The Circuit has the goroutine; Close ends it and waits.
package circuit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// The times between two probes. The first of an outage comes at once: a server that was only started
// again is there already.
const (
	leastPause = 50 * time.Millisecond
	mostPause  = time.Second
)

// Circuit is open while a server is away. One goroutine probes it then.
type Circuit struct {
	probe func() error        // nil error: it is back
	away  func(error)         // told once for each outage
	back  func(time.Duration) // told at its end

	broken atomic.Bool
	mu     sync.Mutex // held to start the goroutine
	ctx    context.Context
	end    context.CancelFunc
	probes sync.WaitGroup
	brief  httpx.LogLimiter // of outages that the first probe ends
}

// New makes a Circuit, which is closed at first. probe asks whether the server is back, and returns nil when it is; away is told of
// each outage, once, and back of its end.
func New(probe func() error, away func(error), back func(time.Duration)) *Circuit {
	ctx, end := context.WithCancel(context.Background())
	return &Circuit{probe: probe, away: away, back: back, ctx: ctx, end: end, brief: httpx.LogLimiter{Every: time.Minute}}
}

// IsOpen reports whether the server is away.
func (c *Circuit) IsOpen() bool { return c.broken.Load() }

// Open is called with each error of the server. It returns at once.
func (c *Circuit) Open(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil || c.broken.Swap(true) {
		return
	}
	c.probes.Go(func() { c.watch(err) })
}

// watch probes until the server is back, or the circuit is closed for good.
func (c *Circuit) watch(cause error) {
	began, told := time.Now(), false
	pause := leastPause
	for c.probe() != nil {
		if !told {
			told = true
			c.away(cause)
		}
		select {
		case <-time.After(pause):
		case <-c.ctx.Done():
			return
		}
		pause = min(2*pause, mostPause)
	}
	c.broken.Store(false)
	if !told && c.brief.Allow("", began) {
		told = true
		c.away(cause)
	}
	if told {
		c.back(time.Since(began))
	}
}

// Close ends the goroutine and waits for it.
func (c *Circuit) Close() {
	c.mu.Lock()
	c.end()
	c.mu.Unlock()
	c.probes.Wait()
}
