package shim

import (
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

// Expire says that the request's time is over; why is for the log. The worker's
// owner takes its stacks, records them, and replaces it. Expire returns at once;
// the exchange is over for its caller, who still calls Close.
func (x *Exchange) Expire(why string) {
	x.mu.Lock()
	x.expired = !x.done()
	x.mu.Unlock()
	x.conn.owner.Expired(x, TimeOver, why)
}

// Abandon says that the client has left and that the app is to stop working for
// it. It does nothing once the worker has finished, and nothing that Close does
// not once the answer has begun: the app stops at its next chunk.
func (x *Exchange) Abandon() {
	x.mu.Lock()
	tell := !x.ended && !x.expired && x.head == nil && !x.since.IsZero()
	x.expired = x.expired || tell
	x.mu.Unlock()
	if tell {
		x.conn.owner.Expired(x, ClientGone, "")
	}
}

// Expired reports whether Expire or Abandon found the worker busy with x.
func (x *Exchange) Expired() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.expired
}

// Interrupt ends the app's work for x by an exception, as far as its interpreter
// can. Without a control socket it returns errors.ErrUnsupported.
func (x *Exchange) Interrupt(c Cause) error { return x.conn.order(wire.KindInterrupt, x.id, byte(c)) }

// done reports whether the worker has finished with x. mu is held.
func (x *Exchange) done() bool { return x.ended && !x.held }

// Discard is Close for an answer whose body nobody wants although its client is
// there: the app is not told that it had left, and what comes is thrown away.
func (x *Exchange) Discard() {
	x.mu.Lock()
	x.unwanted = true
	x.mu.Unlock()
	x.Close()
}

// CloseWithin is Close for a request that may still run: if the worker has not
// ended it after d, it is Expired; why is for the log. d of 0 or less: never.
func (x *Exchange) CloseWithin(d time.Duration, why string) Outcome {
	o := x.Close()
	if o == Broken || d <= 0 {
		return o
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.unwanted {
		why = "still running " + d.String() + " after it had named a file as its answer"
	}
	if x.held {
		why = "still running " + d.String() + " after its answer (standpipe.after_response)"
	}
	if x.passed.taken {
		why = "still running " + d.String() + " after its file was taken (close() of the app's result)"
	}
	if !x.done() && !x.expired && !x.sent.IsZero() && x.limit == nil { // the first who closes it says how long
		x.limit = time.AfterFunc(d, func() { // ends by itself; end stops it
			x.mu.Lock()
			over := x.done() || x.expired
			if x.since.IsZero() && !over { // behind another one: its own time has not begun
				over = true
				x.limit.Reset(d)
			}
			x.mu.Unlock()
			if !over {
				x.Expire(why)
			}
		})
	}
	return o
}

// stopLimit ends the wait of CloseWithin. mu is held.
func (x *Exchange) stopLimit() {
	if x.done() && x.limit != nil {
		x.limit.Stop()
	}
}
