package wsgi

import (
	"context"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim"
)

// clock bounds the app's time. It is the context of all that waits for the worker:
// it ends with the client's connection, with a limit, and with cancel. One request
// after the other uses it, each with start and end.
//
// A context of its own for each request, and a timer, would cost eight allocations.
// So as long as the handler alone waits, and only for the exchange, Done is the
// channel of the request itself, and when a limit ends the waiting the exchange is
// woken to ask for it again. Before anybody else waits, widen makes it an ordinary
// context.
type clock struct {
	feed   *feed       // of a body that is still coming; nil: none
	unhook func() bool // of context.AfterFunc; nil: none

	mu         sync.Mutex
	parent     context.Context // the request's
	x          *shim.Exchange  // nil: closed
	wide       context.Context // nil: not widened
	cancelWide context.CancelCauseFunc
	cause      error // why it ended; nil: it did not, or with parent

	timer *time.Timer // nil: there has been no limit yet
	limit time.Duration
	why   error     // what the end of limit means; nil: none runs
	until time.Time // when the timer is due
	over  bool      // a limit has ended the context
}

// startClock bounds the time until stop by Timeout, for a try on x. The context
// ends with the client's connection too.
func (t *turn) startClock(x *shim.Exchange) *clock {
	if t.clock.wide != nil { // of an earlier try: others may have it
		t.clock = new(clock)
	}
	c := t.clock
	c.reset(t.r.Context(), x)
	if t.stream {
		// net/http ends a request's context when a read of the body fails, for
		// whatever reason: the feed knows which, so its word counts.
		c.feed = &feed{t: t, done: make(chan struct{}), began: time.Now()}
		c.parent = context.WithoutCancel(c.parent)
		c.widen()
		c.unhook = context.AfterFunc(t.r.Context(), c.left)
	}
	c.start(t.Timeout, errTimeout)
	return c
}

// reset makes c, which nobody else has, ready for a try. A timer that runs out in
// this moment finds no limit, or one that is due later.
func (c *clock) reset(parent context.Context, x *shim.Exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parent, c.x, c.cause, c.over = parent, x, nil, false
}

// widen makes c fit for those who wait beside the handler, or for anything but the
// exchange. It is called before they begin.
func (c *clock) widen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wide != nil {
		return
	}
	c.wide, c.cancelWide = context.WithCancelCause(c.parent)
	if c.cause != nil {
		c.cancelWide(c.cause)
	}
}

// left: net/http has seen the client leave.
func (c *clock) left() {
	if !c.feed.reading.Load() {
		c.cancel(httpx.ErrClientGone)
	}
}

// cancel ends the context; the first reason counts.
func (c *clock) cancel(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancelLocked(why)
}

func (c *clock) cancelLocked(why error) {
	if c.cause == nil {
		c.cause = why
	}
	if c.wide != nil {
		c.cancelWide(why)
	}
	if c.x != nil {
		c.x.Wake() // who waits since before widen does not see the other
	}
}

// start bounds the time until stop; 0: no limit. No limit may run.
func (c *clock) start(limit time.Duration, why error) {
	if limit <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit, c.why = limit, why
	c.arm(limit)
}

// arm sets the timer. mu is held.
func (c *clock) arm(d time.Duration) {
	c.until = time.Now().Add(d)
	if c.timer == nil {
		c.timer = time.AfterFunc(d, c.due)
	} else {
		c.timer.Reset(d)
	}
}

// due runs when the timer runs out. The timer alone calls it.
func (c *clock) due() {
	c.mu.Lock()
	x := c.x
	c.mu.Unlock()
	var sent time.Time
	if x != nil {
		sent = x.Sent() // without mu: the exchange has a lock of its own, and asks for Done
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == nil || time.Now().Before(c.until) { // stopped in this moment, or another limit runs by now
		return
	}
	if more := c.more(sent); more > 0 {
		c.arm(more)
		return
	}
	why := c.why
	c.why, c.over = nil, true
	c.cancelLocked(why)
}

// more is what the limit has to be prolonged by: the time in which a request waits
// at its worker behind another one is not the app's, nor that in which the app
// waits for a body. 0 or less: the time is over. mu is held.
func (c *clock) more(sent time.Time) time.Duration {
	more := c.feed.grace(c.limit)
	switch {
	case c.why != errTimeout:
		return more
	case sent.IsZero():
		return c.limit
	}
	return max(more, c.limit-time.Since(sent))
}

// stop ends the limit. It reports false when time was over before; the context
// has ended then.
func (c *clock) stop() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		c.timer.Stop()
		c.why = nil
	}
	return !c.over
}

// part lets go of the exchange, before it is closed: it is not this request's then.
func (c *clock) part() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.x = nil
}

// end ends everything. It may be called again.
func (c *clock) end() {
	c.stop()
	if c.unhook != nil {
		c.unhook()
	}
	if c.wide != nil {
		c.cancelWide(context.Canceled)
	}
}

// free lets go of the request. It returns the clock of the next one: not this one
// when others may have it.
func (c *clock) free() *clock {
	if c.wide != nil {
		return new(clock)
	}
	c.reset(context.Background(), nil)
	return c
}

// ended returns why the context has ended.
func (c *clock) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		return context.Canceled
	}
	return c.cause
}

// closed is the Done of a context that has ended.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Done is of context.Context.
func (c *clock) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.wide != nil:
		return c.wide.Done()
	case c.cause != nil:
		return closed
	}
	return c.parent.Done()
}

// Err is of context.Context.
func (c *clock) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.wide != nil:
		return c.wide.Err()
	case c.cause != nil:
		return context.Canceled
	}
	return c.parent.Err()
}

// Deadline is of context.Context: none is known, since it may be put off.
func (c *clock) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value is of context.Context.
func (c *clock) Value(key any) any { return c.parent.Value(key) }
