package bridge

import (
	"context"
	"sync"
	"time"
)

// clock bounds the app's time. It cancels a context; who started it ends it.
type clock struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	feed   *feed       // of a body that is still coming; nil: none
	unhook func() bool // of context.AfterFunc; nil: none

	mu    sync.Mutex
	timer *time.Timer // nil: no limit runs
	over  bool        // a limit has ended the context
}

// startClock bounds the time until stop by Timeout. The context ends with the
// client's connection too.
func (t *turn) startClock() *clock {
	c := &clock{}
	parent := t.r.Context()
	if t.stream {
		// net/http ends a request's context when a read of the body fails, for
		// whatever reason: the feed knows which, so its word counts.
		c.feed = &feed{t: t, done: make(chan struct{}), began: time.Now()}
		c.ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(parent))
		c.unhook = context.AfterFunc(parent, c.left)
	} else {
		c.ctx, c.cancel = context.WithCancelCause(parent)
	}
	c.start(t.Timeout, errTimeout)
	return c
}

// left: net/http has seen the client leave.
func (c *clock) left() {
	if !c.feed.reading.Load() {
		c.cancel(errClientGone)
	}
}

// start bounds the time until stop; 0: no limit. No limit may run.
func (c *clock) start(limit time.Duration, why error) {
	if limit <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var timer *time.Timer
	timer = time.AfterFunc(limit, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.timer != timer { // stopped in this moment
			return
		}
		if more := c.feed.grace(limit); more > 0 {
			timer.Reset(more)
			return
		}
		c.timer, c.over = nil, true
		c.cancel(why)
	})
	c.timer = timer
}

// stop ends the limit. It reports false when time was over before; the context
// has ended then.
func (c *clock) stop() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	return !c.over
}

// end ends everything.
func (c *clock) end() {
	c.stop()
	if c.unhook != nil {
		c.unhook()
	}
	c.cancel(context.Canceled)
}
