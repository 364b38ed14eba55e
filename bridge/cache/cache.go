package cache

import (
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options are the settings of a Cache.
type Options struct {
	// Memory bounds the Answers in memory; bytes.
	Memory int64
	// MaxObject is the largest body that is stored; bytes.
	MaxObject int64
	// Wait is how long a request waits for the fetch of another one.
	Wait time.Duration
	// PassFor is how long a URL is remembered whose answers cannot be shared: its requests do not
	// wait for each other meanwhile.
	PassFor time.Duration
	// Tiers are the stores behind the memory, the nearest first. The Cache closes them.
	Tiers []Tier
	// Log gets cache_failed and others; nil: no records are written.
	Log hclog.Logger
}

// Cache is what all stages of a server share. It outlives reloads.
type Cache struct {
	o     Options
	mem   *memory
	trust trust
}

// New makes a Cache, which must be closed.
func New(o Options) *Cache {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	return &Cache{o: o, mem: newMemory(o.Memory)}
}

// Forget removes what is in memory for k: it has changed in a Tier that several servers share.
func (c *Cache) Forget(k Key) {}

// ForgetAll empties the memory. What the tiers have stays.
func (c *Cache) ForgetAll() {}

// Close cancels the fetches that no client waits for, waits for all of them, and closes the tiers.
func (c *Cache) Close() {
	for _, t := range c.o.Tiers {
		_ = t.Close()
	}
}
