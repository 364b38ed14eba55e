package static

import (
	"os"
	"sync"
	"sync/atomic"
)

// idlePerFile is how many idle descriptors of one file are kept.
const idlePerFile = 4

// budget counts the idle descriptors of all files of a Cache.
type budget struct {
	idle atomic.Int64
	most int64
}

// descriptors are the idle open descriptors of one file. Each has its own position, which
// sendfile(2) moves: one answer uses it at a time.
type descriptors struct {
	budget *budget
	mu     sync.Mutex
	free   []*os.File
	closed bool
}

// take returns an idle descriptor; nil: there is none.
func (d *descriptors) take() *os.File {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.free)
	if n == 0 {
		return nil
	}
	f := d.free[n-1]
	d.free = d.free[:n-1]
	d.budget.idle.Add(-1)
	return f
}

// put keeps f; false: it was not kept.
func (d *descriptors) put(f *os.File) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.free) >= idlePerFile {
		return false
	}
	if d.budget.idle.Add(1) > d.budget.most {
		d.budget.idle.Add(-1)
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
		d.budget.idle.Add(-1)
	}
	d.free = nil
}
