package shim

import (
	"context"
	"time"
)

// Fate is what is known of a worker's death once its process has been reaped.
type Fate struct {
	// ByItself: the death was the worker's own doing, or that of what it ran: running the
	// same again may do the same again.
	ByItself bool
	// Why is a sentence for logs.
	Why string
}

// InFlight is a request that a worker has not finished.
type InFlight struct {
	Label Label
	// Process is the worker's.
	Process Process
	// Sent is since when the worker may run it: when it was sent, or when what was
	// before it had ended; zero: it was not sent.
	Sent time.Time
	// Behind: it was sent, but another one is before it, so it has not started.
	Behind bool
	// Head: the answer's head had come. Answered: all of it had; the app was busy with
	// what comes after the answer.
	Head, Answered bool
	// Ended is when the answer ended; zero: it has not.
	Ended time.Time
	// Expired: its time was over, or the app's work for it was interrupted. Left:
	// its answer is not waited for any more.
	Expired, Left bool
	// Debugged: a debugger has stood in it.
	Debugged bool
}

// fateWait bounds the wait for a process whose pipes have ended: it may live on
// without them.
const fateWait = 10 * time.Second

// Retry waits until it is known how the worker died that ran x, and reports
// whether the request may be run once more: Label.Again allows it, no answer had
// begun, its own time was not over, and the death was not the worker's own doing.
// why says so in words, for logs. It is legal after ErrWorkerGone.
func (x *Exchange) Retry(ctx context.Context) (again bool, why string) {
	timer := time.NewTimer(fateWait)
	defer timer.Stop()
	select {
	case <-x.conn.fated:
	case <-ctx.Done():
		return false, "its client left"
	case <-timer.C:
		return false, "the worker lives without its pipes"
	}
	s := x.State()
	return InFlight{Label: s.Label, Sent: s.Sent, Head: s.Head, Expired: s.Expired, Debugged: s.Debugged}.Retry(x.conn.fate)
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
	case f.Debugged: // it would stop there again
		return false, "a debugger stood in it"
	case f.Head:
		return false, "its answer had begun"
	case f.Label.Again == "":
		return false, f.Label.Method + " had started"
	case f.Label.Again != "yes":
		return false, f.Label.Again
	case fate.ByItself:
		return false, fate.Why
	}
	return true, fate.Why
}
