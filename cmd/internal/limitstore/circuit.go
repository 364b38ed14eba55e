package limitstore

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

// circuit is open while the server is away. One goroutine probes it then.
type circuit struct {
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

func newCircuit(probe func() error, away func(error), back func(time.Duration)) *circuit {
	ctx, end := context.WithCancel(context.Background())
	return &circuit{probe: probe, away: away, back: back, ctx: ctx, end: end, brief: httpx.LogLimiter{Every: time.Minute}}
}

func (c *circuit) isOpen() bool { return c.broken.Load() }

// open is called with each error of the server. It returns at once.
func (c *circuit) open(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil || c.broken.Swap(true) {
		return
	}
	c.probes.Go(func() { c.watch(err) })
}

// watch probes until the server is back, or the circuit is closed for good.
func (c *circuit) watch(cause error) {
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

// close ends the goroutine and waits for it.
func (c *circuit) close() {
	c.mu.Lock()
	c.end()
	c.mu.Unlock()
	c.probes.Wait()
}
