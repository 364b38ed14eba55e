package logfile

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// Outlet is a writer to standard output or standard error that never blocks its callers.
// It buffers writes up to a limit. Beyond the limit it drops whole writes and counts
// them; the count is written when there is room again. Hold keeps all in the buffer for a while.
//
// It has one goroutine. Close ends it and waits for it while the reader reads, at most patience.
type Outlet struct {
	w      io.Writer
	record func(dropped int) []byte // the text that stands for dropped writes; nil: none

	mu       sync.Mutex
	buffered []byte
	dropped  int // writes dropped since the last one that was not
	failed   bool
	closed   bool
	written  int           // pieces
	holding  bool          // nothing is written once the buffer was empty
	kept     chan struct{} // closed when it is held back, or when it never will be; nil: Hold was not called
	wake     chan struct{} // capacity 1
	done     chan struct{} // closed when the goroutine has ended
}

const (
	// outletLimit is the limit of the buffer, in bytes.
	outletLimit = 8 << 20
	// lastWords is how long Close waits for a reader that reads nothing, patience how long for one that does.
	lastWords = time.Second
	patience  = 10 * time.Second
	// piece is what is written at a time, in bytes: the size of a pipe.
	piece = 64 << 10
)

// NewOutlet returns an Outlet to w. Close must be called. record returns the text that
// tells how many writes were dropped; nil: none.
func NewOutlet(w io.Writer, record func(dropped int) []byte) *Outlet {
	o := &Outlet{w: w, record: record, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go o.run()
	return o
}

// Write buffers p. It never blocks and never fails.
func (o *Outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed || o.failed:
	case len(o.buffered)+len(p) > outletLimit:
		o.dropped++
	default:
		o.reportDropped()
		o.buffered = append(o.buffered, p...)
		o.signal()
	}
	return len(p), nil
}

// Hold keeps writes in the buffer until Release. It returns when what was buffered before is written, at the latest
// when a slow reader has had lastWords for it.
func (o *Outlet) Hold() {
	o.mu.Lock()
	if o.closed || o.failed || o.holding {
		o.mu.Unlock()
		return
	}
	o.holding = true
	kept := make(chan struct{})
	o.kept = kept
	o.signal()
	o.mu.Unlock()
	select {
	case <-kept:
	case <-o.done:
	case <-time.After(lastWords):
	}
}

// Release writes what Hold has kept back, and what comes.
func (o *Outlet) Release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holding, o.kept = false, nil
	o.signal()
}

// reportDropped buffers the record of dropped writes. mu is held.
func (o *Outlet) reportDropped() {
	if o.dropped > 0 {
		if o.record != nil {
			o.buffered = append(o.buffered, o.record(o.dropped)...)
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

// Close ends the goroutine once the buffer is written, and waits for that: at most a second in which
// nothing is read, and ten in all. Later writes are lost.
func (o *Outlet) Close() error {
	o.mu.Lock()
	o.closed, o.holding = true, false
	o.signal()
	o.mu.Unlock()
	began := time.Now()
	for before := -1; time.Since(began) < patience; {
		o.mu.Lock()
		now := o.written
		o.mu.Unlock()
		if now == before {
			break
		}
		before = now
		select {
		case <-o.done:
			return nil
		case <-time.After(lastWords):
		}
	}
	return nil
}

func (o *Outlet) run() {
	defer close(o.done)
	var spare []byte
	for range o.wake {
		for {
			out, closed := o.next(spare)
			if out == nil {
				if closed {
					return
				}
				break
			}
			if err := o.write(out); err != nil {
				// The reader has closed its end. That is no reason to stop the server.
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

// write writes p in pieces of whole lines, so that Close can tell whether the reader reads.
func (o *Outlet) write(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), piece)
		if n < len(p) {
			if end := bytes.LastIndexByte(p[:n], '\n') + 1; end > 0 {
				n = end
			}
		}
		n, err := o.w.Write(p[:n])
		if err != nil {
			return err
		}
		p = p[n:]
		o.mu.Lock()
		o.written++
		o.mu.Unlock()
	}
	return nil
}

// next takes the buffer and leaves spare in its place, so that each of the two has one
// owner; nil: the buffer is empty.
func (o *Outlet) next(spare []byte) (out []byte, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holding && (o.kept == nil || len(o.buffered) == 0) {
		if o.kept != nil {
			close(o.kept)
			o.kept = nil
		}
		return nil, false
	}
	if len(o.buffered) == 0 {
		o.reportDropped() // of the last writes too, which no other write follows
	}
	if len(o.buffered) == 0 {
		return nil, o.closed
	}
	out, o.buffered = o.buffered, spare[:0]
	return out, false
}
