package static

import (
	"os"
	"sync"
	"sync/atomic"
)

const (
	// idlePerFile is how many descriptors of one file wait to be used again.
	idlePerFile = 4
	// idleInAll is how many of all files do: clients and workers need some too.
	idleInAll = 256
)

// idle counts those of the process.
var idle atomic.Int64

// descriptors are open ones of one file, each with a position of its own, which
// sendfile(2) moves: one is used by one answer at a time.
type descriptors struct {
	mu     sync.Mutex
	free   []*os.File
	closed bool
}

// take returns a descriptor that waits; nil: there is none.
func (d *descriptors) take() *os.File {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.free)
	if n == 0 {
		return nil
	}
	f := d.free[n-1]
	d.free = d.free[:n-1]
	idle.Add(-1)
	return f
}

// put keeps f; false: it was not kept.
func (d *descriptors) put(f *os.File) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.free) >= idlePerFile {
		return false
	}
	if idle.Add(1) > idleInAll {
		idle.Add(-1)
		return false
	}
	d.free = append(d.free, f)
	return true
}

// give keeps f or closes it.
func (d *descriptors) give(f *os.File) {
	if !d.put(f) {
		f.Close()
	}
}

func (d *descriptors) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, f := range d.free {
		f.Close()
		idle.Add(-1)
	}
	d.free = nil
}
