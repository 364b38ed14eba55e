package cache

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of a Cache.
type Options struct {
	// Memory bounds the Answers in memory; bytes.
	Memory int64
	// MaxObject is the largest body that is stored; bytes. 0: what fits into memory.
	MaxObject int64
	// Wait is how long a request waits for the fetch of another one; 0: none waits.
	Wait time.Duration
	// PassFor is how long a URL is remembered whose answers cannot be shared: its requests do not
	// wait for each other meanwhile.
	PassFor time.Duration
	// Tiers are the stores behind the memory, the nearest first. The Cache closes them.
	Tiers []Tier
	// Log gets cache_failed and panic; nil: no records are written.
	Log hclog.Logger
}

// Cache is what all stages of a server share. It outlives reloads.
type Cache struct {
	o        Options
	mem      *memory
	counters counters
	flights  flights
	passes   passes
	loads    loads
	tiers    tiers
	transit  budget // of bodies that are on their way
	saver    saver
	trust    trust

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup // fetches
}

// Bodies that are on their way, and may be stored, take a transitShare of the memory beside it, and leastTransit bytes at least. A
// body for which there is no room is not stored.
const (
	transitShare = 4
	leastTransit = 16 << 20
)

// budget bounds what all transfers of a Cache keep in memory.
type budget struct {
	most int64 // bytes
	used atomic.Int64
}

// take accounts for n more bytes; false: there is no room.
func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.most {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// New makes a Cache, which must be closed.
func New(o Options) *Cache {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	c := &Cache{o: o, tiers: tiers{o.Tiers, o.Log, httpx.LogLimiter{Every: time.Minute}}}
	c.mem = newMemory(o.Memory, &c.trust, c.counters.memory)
	if c.o.MaxObject == 0 {
		c.o.MaxObject = c.mem.largest
	}
	c.transit.most = max(o.Memory/transitShare, leastTransit)
	c.saver.start(c)
	for _, t := range o.Tiers {
		if n, ok := t.(Notifier); ok {
			n.Watch(c)
		}
	}
	return c
}

// Close cancels the fetches, waits for them, and closes the tiers.
func (c *Cache) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.flights.cancel()
	c.running.Wait()
	c.saver.stop()
	for _, t := range c.o.Tiers {
		_ = t.Close()
	}
}

// begin adds a fetch to those that Close waits for; false: the Cache is closed.
func (c *Cache) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.running.Add(1)
	return true
}

// join returns the fetch that rq waits for, and whether rq leads it; nil: there are too many. old is validated. alone: no other
// request waits for it.
func (c *Cache) join(rq *request, old *Answer, alone bool) (f *flight, leads bool) {
	begin := func() *flight {
		if !c.begin() {
			return nil
		}
		f := rq.s.newFlight(rq, old)
		f.alone = alone
		return f
	}
	f, leads = c.flights.join(rq.class, rq.r.Header, &rq.s.o.Settings, alone, begin)
	if leads {
		f.informal = make(chan informal, 4)
		f.first = f.transfer.attach() // before the body can be too large to be kept
		c.start(f)
	}
	return f, leads
}

// refresh fetches in the background what is about to end, or has ended.
func (c *Cache) refresh(rq *request, old *Answer) {
	f, leads := c.flights.join(rq.class, rq.r.Header, &rq.s.o.Settings, false, func() *flight {
		if !c.begin() {
			return nil
		}
		return rq.s.newFlight(rq, old)
	})
	if f == nil {
		return
	}
	if leads {
		f.detach()
		c.start(f)
	}
	f.leave()
}

// start runs a fetch.
func (c *Cache) start(f *flight) {
	go func() {
		defer c.running.Done()
		f.run()
	}()
}

// largest is the largest body that is stored.
func (c *Cache) largest() int64 {
	if c.tiers.creator() != nil {
		return c.o.MaxObject
	}
	return min(c.o.MaxObject, c.mem.largest)
}

// passOn has the requests of a class pass for a while: the response with that status was not stored.
func (c *Cache) passOn(class Key, status int, now time.Time) {
	d := c.o.PassFor
	if status >= 400 { // a client can cause errors, and so have all others pass
		d = min(d, failFor)
	}
	if d > 0 {
		c.passes.add(class, now, now.Add(d))
	}
}
