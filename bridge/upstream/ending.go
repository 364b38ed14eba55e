package upstream

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Ending is the context of one request to an upstream: it ends when the client disconnects, when the upstream is silent for too
// long, or with the request. Unlike one of package context it costs nothing where nothing asks for its channel, and it can be
// used again. The zero value is one that has not ended.
type Ending struct {
	mu    sync.Mutex
	cause error         // nil: it has not ended
	done  chan struct{} // nil: not asked for
	waits interrupter   // nil: nothing waits for an upstream
	after []*func()     // of contexts that are made of it
	used  bool          // others may still have a part of it
}

// interrupter waits for an upstream.
type interrupter interface {
	// interrupt ends its waits. It must not block.
	interrupt()
}

var _ context.Context = (*Ending)(nil)

// Cancel ends it; the first cause counts.
func (e *Ending) Cancel(cause error) {
	e.mu.Lock()
	if e.cause != nil {
		e.mu.Unlock()
		return
	}
	e.cause = cause
	if e.done != nil {
		close(e.done)
	}
	if e.waits != nil {
		e.waits.interrupt()
	}
	after := e.after
	e.after = nil
	e.mu.Unlock()
	for _, f := range after {
		(*f)()
	}
}

// Cause is why it has ended; nil: it has not.
func (e *Ending) Cause() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cause
}

// watch has w interrupted at the end, at once where that has come; nil: no more. It reports whether the end has come.
func (e *Ending) watch(w interrupter) (ended bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waits = w
	if e.cause != nil && w != nil {
		w.interrupt()
	}
	return e.cause != nil
}

// Again makes it one that has not ended. false: another one is needed, because others may still have a part of this one.
func (e *Ending) Again() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.used {
		return false
	}
	e.cause, e.waits = nil, nil
	return true
}

// Deadline is context.Context's: there is none.
func (e *Ending) Deadline() (t time.Time, ok bool) { return t, false }

// Value is context.Context's: there are none.
func (e *Ending) Value(any) any { return nil }

// Done is context.Context's.
func (e *Ending) Done() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.used = true
	if e.done == nil {
		e.done = make(chan struct{})
		if e.cause != nil {
			close(e.done)
		}
	}
	return e.done
}

// Err is context.Context's.
func (e *Ending) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cause != nil {
		return context.Canceled
	}
	return nil
}

// AfterFunc is what package context looks for, so that no goroutine waits for the end on behalf of a context that is made of
// this one. f is called by Cancel; it must not block.
func (e *Ending) AfterFunc(f func()) (stop func() bool) {
	e.mu.Lock()
	ended := e.cause != nil
	if !ended {
		e.used = true
		e.after = append(e.after, &f)
	}
	e.mu.Unlock()
	if ended {
		f()
		return func() bool { return false }
	}
	return func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		i := slices.Index(e.after, &f)
		if i < 0 {
			return false
		}
		e.after = slices.Delete(e.after, i, i+1)
		return true
	}
}
