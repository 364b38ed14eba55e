package cache

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Tier is a store behind the memory. Its methods may be called at the same time. A damaged entry
// counts as none.
type Tier interface {
	// Name is "disk" or "redis", for logs and metrics.
	Name() string
	// Load returns what is stored for k; none: nil, nil. The caller closes the Bodies.
	Load(ctx context.Context, k Key) ([]*Answer, error)
	// Save stores a, instead of the Answer of the same Key and Vary. It does not close its Body, and
	// does not use it after it has returned.
	Save(ctx context.Context, a *Answer) error
	// Remove removes all that is stored for k.
	Remove(ctx context.Context, k Key) error
	// Purge removes, or makes stale, what p names, and returns how many Answers these were.
	Purge(ctx context.Context, p Purge) (n int, err error)
	// Close ends its use.
	Close() error
}

// Creator is a Tier that has room for Answers that do not fit into memory.
type Creator interface {
	// Ready reports whether it can make files now: there is a folder, and writing to it has not just failed.
	Ready() bool
	// Create makes a file for a Body that is under way. Without a Save of the Answer that has this
	// file the caller closes it, and it must vanish then: it has no name, or a later start removes it.
	Create() (*os.File, error)
	// WriteFailed is told of an error of writing to such a file: the disk may be full.
	WriteFailed(err error)
}

// tiers are the tiers of a Cache.
type tiers struct {
	list     []Tier
	log      hclog.Logger
	failures httpx.LogLimiter // of cache_failed, by tier
}

// failed writes a record of a tier's error, once a minute for each.
func (t *tiers) failed(of Tier, what string, err error) {
	if err != nil && !errors.Is(err, ErrAway) && t.failures.Allow(of.Name(), time.Now()) {
		t.log.Warn("cache_failed", "store", of.Name(), "operation", what, "error", err)
	}
}

// locker is the tier with which servers agree; nil: there is none.
func (t *tiers) locker() Locker {
	for _, of := range t.list {
		if l, ok := of.(Locker); ok {
			return l
		}
	}
	return nil
}

// others does something with the tiers that are this server's own.
func (t *tiers) others(what string, do func(context.Context, Tier) error) {
	for _, of := range t.list {
		if _, ok := of.(Notifier); !ok {
			ctx, cancel := context.WithTimeout(context.Background(), tierPatience)
			t.failed(of, what, do(ctx, of))
			cancel()
		}
	}
}

// creator makes files for bodies; nil: there are none now.
func (t *tiers) creator() Creator {
	for _, of := range t.list {
		if c, ok := of.(Creator); ok && c.Ready() {
			return c
		}
	}
	return nil
}
