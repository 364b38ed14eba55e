package cache

import (
	"context"
	"os"
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
	// Create makes a file for a Body that is under way. Without a Save of the Answer that has this
	// file the caller closes it, and it must vanish then: it has no name, or a later start removes it.
	Create() (*os.File, error)
}
