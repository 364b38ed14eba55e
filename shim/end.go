package shim

import (
	"fmt"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// Cause is why the app's work for a request is to end.
type Cause uint8

const (
	// TimeOver raises standpipe_shim.RequestTimeout in the app.
	TimeOver Cause = 1
	// ClientGone raises standpipe_shim.ClientGone.
	ClientGone Cause = 2
)

// Outcome says how an exchange left its worker.
type Outcome int

const (
	// Clean: the answer ended; the worker is fit for the next request.
	Clean Outcome = iota
	// Cancelled: the answer was not read to its end. The worker was told, and
	// is free when it has ended the stream.
	Cancelled
	// Broken: the worker died or broke the protocol.
	Broken
	// Recalled: the worker has given the request back, unseen.
	Recalled
)

func (o Outcome) String() string {
	return [...]string{"clean", "cancelled", "broken", "recalled"}[o]
}

// Close ends the exchange: the rest of its answer is thrown away when it
// comes, and the app is told so. If the app still works for it after limit,
// its time is over; 0 or less: it may take as long as it likes. What Wait has
// returned stays the caller's.
func (x *Exchange) Close(limit time.Duration) Outcome { return leave(x, limit, false) }

// Discard is Close for an answer whose body is not wanted although its client is
// there: the app is not told.
func (x *Exchange) Discard(limit time.Duration) Outcome { return leave(x, limit, true) }

// Abort ends the exchange and the app's work for it: the worker's owner takes the
// worker's stacks and interrupts the app, and after TimeOver replaces the worker;
// why is for the log. It returns at once. An error says that there is no such work,
// and that the exchange is still to be closed: ErrWorkerGone (wrapped), or
// ErrAnswered. With ClientGone an answer that has begun counts as answered: the app
// stops at its next bytes.
func (x *Exchange) Abort(c Cause, why string) error {
	x.mu.Lock()
	a := &x.answer
	var err error
	switch {
	case a.ended && a.err == ErrWorkerGone:
		err = named(x.conn.name, a.err)
	case a.done(), c == ClientGone && (x.conn.debugs.open.Load() > 0 || a.ended || a.expired || a.head != nil || x.since.IsZero()):
		err = ErrAnswered
	default:
		a.expired = true
	}
	x.mu.Unlock()
	if err != nil {
		return err
	}
	x.conn.owner.Expired(x, c, why)
	leave(x, 0, false)
	return nil
}

// leave is Close and Discard.
func leave(x *Exchange, limit time.Duration, discard bool) Outcome {
	x.mu.Lock()
	a := &x.answer
	if a.ignored {
		x.mu.Unlock()
		return Clean
	}
	x.discarded = discard
	give := a.ignore()
	ended, unsent, expired := a.ended || a.file.taken, x.sent.IsZero(), a.expired // the worker only closes what it has passed
	broken := x.id != 0 && (a.err == ErrWorkerGone || a.err == ErrNotStarted)
	if limit > 0 && !broken && !unsent && !expired && !a.done() {
		x.overrun = time.AfterFunc(limit, func() { overran(x, limit) }) // ends by itself; stopOverrun stops it
	}
	x.mu.Unlock()
	x.sender.wake() // the body is not wanted either
	switch {
	case broken:
		return Broken
	case ended:
		return Clean
	case unsent:
		if x.id == 0 || x.conn.finish(x, time.Now()) {
			x.conn.owner.Freed(x, Clean)
		}
		return Clean
	}
	if give > 0 {
		x.conn.out.window(x.id, give)
	}
	if !expired && !discard { // after Abort the owner sends Interrupt when it has the stacks: the app must not move before
		_ = x.conn.order(wire.KindCancel, x.id) // without a control socket the app runs to its end
	}
	return Cancelled
}

// stopOverrun ends the wait of Close once the worker has finished. mu is held.
func stopOverrun(x *Exchange) {
	if x.overrun != nil && x.answer.done() {
		x.overrun.Stop()
	}
}

// overran runs when the limit of Close has passed.
func overran(x *Exchange, limit time.Duration) {
	x.mu.Lock()
	if x.answer.done() || x.answer.expired {
		x.mu.Unlock()
		return
	}
	more := x.conn.debugs.left(limit)
	if x.since.IsZero() { // behind another one: its own time has not begun
		more = limit
	}
	if more > 0 {
		x.overrun.Reset(more)
		x.mu.Unlock()
		return
	}
	after := "its client had left"
	switch {
	case x.answer.file.taken:
		after = "its file was taken (close() of the app's result)"
	case x.answer.holding:
		after = "its answer (standpipe.after_response)"
	case x.discarded:
		after = "it had named a file as its answer"
	}
	x.mu.Unlock()
	_ = x.Abort(TimeOver, fmt.Sprintf("still running %v after %s", limit, after)) // it may have ended in this moment
}
