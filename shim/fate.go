package shim

import (
	"context"
	"time"
)

// Fate is what is known of a worker's death once its process has been reaped.
type Fate struct {
	// Own: the death was the worker's own doing, or that of what it ran: running the
	// same again may do the same again.
	Own bool
	// Why is a sentence for logs.
	Why string
}

// SetFate says how the worker ended. It is called once, by the owner.
func (c *Conn) SetFate(f Fate) {
	c.fate = f
	close(c.fated)
}

// Gone returns ErrWorkerGone (wrapped) when the worker died before the answer had
// ended; nil: it did not, or not yet.
func (x *Exchange) Gone() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended && x.err == ErrWorkerGone {
		return x.failure()
	}
	return nil
}

// fatePatience bounds the wait for a process whose pipes have ended: it may live
// on without them.
const fatePatience = 2 * time.Second

// Retry waits until it is known how the worker died that ran x, and reports
// whether the request may be run once more: Label.Again allows it, no answer had
// begun, its own time was not over, and the death was not the worker's own doing.
// why says so in words, for logs. It is asked after ErrWorkerGone.
func (x *Exchange) Retry(ctx context.Context) (again bool, why string) {
	select {
	case <-x.conn.fated:
	case <-ctx.Done():
		return false, "its client left"
	case <-time.After(fatePatience):
		return false, "the worker lives without its pipes"
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return InFlight{Label: x.label, Sent: x.since, Head: x.head != nil, Expired: x.expired}.Retry(x.conn.fate)
}

// Retry is the rule by which a request that its worker's death cut off is run once
// more.
func (f InFlight) Retry(fate Fate) (again bool, why string) {
	switch {
	case f.Answered:
		return false, "it was answered"
	case f.Expired:
		return false, "its time was over"
	case f.Left:
		return false, "its client had left"
	case f.Sent.IsZero():
		return true, "it had not started"
	case f.Head:
		return false, "its answer had begun"
	case f.Label.Again == "":
		return false, f.Label.Method + " had started"
	case f.Label.Again != "yes":
		return false, f.Label.Again
	case fate.Own:
		return false, fate.Why
	}
	return true, fate.Why
}
