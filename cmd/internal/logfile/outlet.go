package compose

import (
	"io"
	"sync"
	"time"
)

// Outlet writes to standard output or standard error for many, none of whom ever
// waits for its reader: what cannot be written at once is kept, up to a limit;
// what is beyond the limit is dropped and counted, and the count is written when
// there is room again.
//
// It has one goroutine, which Close ends and waits for, though not for ever.
type Outlet struct {
	w     io.Writer
	count func(dropped int) []byte // what to write instead of them; nil: nothing

	mu      sync.Mutex
	kept    []byte
	dropped int // writes that were dropped since the last that was not
	failed  bool
	closed  bool
	wake    chan struct{} // capacity 1
	done    chan struct{} // closed when the goroutine has ended
}

const (
	// outletLimit is how many octets are kept for a reader that is slow.
	outletLimit = 8 << 20
	// lastWords is how long Close waits for such a reader.
	lastWords = time.Second
)

// NewOutlet returns an Outlet to w. Close must be called. count makes the record that
// says how many writes were dropped; nil: there is none.
func NewOutlet(w io.Writer, count func(dropped int) []byte) *Outlet {
	o := &Outlet{w: w, count: count, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go o.run()
	return o
}

// Write keeps p for the reader; it never waits and never fails.
func (o *Outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed || o.failed:
	case len(o.kept)+len(p) > outletLimit:
		o.dropped++
	default:
		o.tell()
		o.kept = append(o.kept, p...)
		o.signal()
	}
	return len(p), nil
}

// tell keeps the count of what was dropped. mu is held.
func (o *Outlet) tell() {
	if o.dropped > 0 {
		if o.count != nil {
			o.kept = append(o.kept, o.count(o.dropped)...)
		}
		o.dropped = 0
	}
}

func (o *Outlet) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Close ends the goroutine once what is kept is written, and waits for that, at
// most a second. Later writes are lost.
func (o *Outlet) Close() error {
	o.mu.Lock()
	o.closed = true
	o.signal()
	o.mu.Unlock()
	select {
	case <-o.done:
	case <-time.After(lastWords):
	}
	return nil
}

func (o *Outlet) run() {
	defer close(o.done)
	var spare []byte
	for range o.wake {
		for {
			o.mu.Lock()
			if len(o.kept) == 0 {
				o.tell() // the last ones too, after which nobody writes
			}
			if len(o.kept) == 0 {
				closed := o.closed
				o.mu.Unlock()
				if closed {
					return
				}
				break
			}
			out := o.kept
			o.kept, spare = spare[:0], nil // two buffers, each with one owner
			o.mu.Unlock()
			if _, err := o.w.Write(out); err != nil {
				// Its reader has left. There is nobody to tell, and nothing to stop for.
				o.mu.Lock()
				o.failed = true
				o.mu.Unlock()
				return
			}
			if spare = out; cap(spare) > outletLimit/8 {
				spare = nil
			}
		}
	}
}
