package http1

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// requestContext is the context of a request: it ends when the client disconnects, and when
// the handler has returned. It makes its channel when a handler asks for it; most do not.
// One that was asked for it is not used for another request.
type requestContext struct {
	mu     sync.Mutex
	done   chan struct{} // nil: not asked for
	closed bool          // done is
	after  []*afterFunc
	err    error
	used   bool // a handler may still have done, or an afterFunc
	gone   httpx.Disconnecter
}

type afterFunc struct{ f func() }

// Deadline is context.Context's: there is none.
func (x *requestContext) Deadline() (t time.Time, ok bool) { return t, false }

// Done is context.Context's.
func (x *requestContext) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.used = true
	return x.channel()
}

// channel returns the channel of Done. mu is held.
func (x *requestContext) channel() <-chan struct{} {
	if x.done == nil {
		x.done = make(chan struct{})
	}
	if x.err != nil && !x.closed {
		x.closed = true
		close(x.done)
	}
	return x.done
}

// waitContext is the context of a request for a wait that ends before the handler returns:
// its channel is not kept, so that it serves one request after the other.
type waitContext struct{ *requestContext }

// Done is context.Context's.
func (x waitContext) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.channel()
}

// AfterFunc is requestContext's: f is stopped before the handler returns.
func (x waitContext) AfterFunc(f func()) func() bool { return x.afterFunc(f, false) }

// Wait is httpx.Connection's WaitContext of a context that no stage has replaced.
func (x *requestContext) Wait() context.Context { return waitContext{x} }

// Err is context.Context's.
func (x *requestContext) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err
}

// Value is context.Context's: there are none.
func (x *requestContext) Value(any) any { return nil }

// AfterFunc is what context.AfterFunc and context.WithCancel look for: no goroutine waits.
func (x *requestContext) AfterFunc(f func()) func() bool { return x.afterFunc(f, true) }

func (x *requestContext) afterFunc(f func(), used bool) func() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.used = x.used || used
	if x.err != nil {
		x.used = true // f may ask for err later
		go f()
		return func() bool { return false }
	}
	a := &afterFunc{f}
	x.after = append(x.after, a)
	return func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		i := slices.Index(x.after, a) // a request that lasts may have many, one after the other
		if i < 0 {
			return false
		}
		x.after = slices.Delete(x.after, i, i+1)
		return true
	}
}

// notify has d told; nil: no more. Where the client has gone already d is told at once.
func (x *requestContext) notify(d httpx.Disconnecter) {
	x.mu.Lock()
	x.gone = d
	over := x.err != nil
	x.mu.Unlock()
	if over && d != nil {
		d.ClientGone()
	}
}

// end ends the context.
func (x *requestContext) end(gone bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		return
	}
	x.err = context.Canceled
	if x.done != nil && !x.closed && (gone || x.used) {
		x.closed = true
		close(x.done)
	}
	for _, a := range x.after {
		x.used = true // a.f may ask for err later
		go a.f()
	}
	x.after = nil
	if d := x.gone; gone && d != nil {
		d.ClientGone() // under mu, so that it is not called after notify(nil)
	}
}

// again makes x ready for another request. false: a handler may still hold a part of it.
func (x *requestContext) again() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.used {
		return false
	}
	if x.closed {
		x.done, x.closed = nil, false
	}
	x.err, x.gone = nil, nil
	return true
}
