package shim

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// A worker that runs one request at a time may have been sent further ones, so that
// it need not wait for Go between two of them (prefetch). They stand in a line: what
// is behind the first has not started, and comes back when the first takes long.

const (
	// recallAfter is how long the first request may run before those behind it are
	// taken back.
	recallAfter = 5 * time.Millisecond
	// stuckAfter is how long the worker may take to give them back before they
	// count as stuck: it does so at once, unless its app holds the interpreter
	// (C code that does not let go of the GIL).
	stuckAfter = 20 * time.Millisecond
)

// sentLine holds the requests of a worker that runs one at a time, in the order in
// which they were sent. The Conn's mu guards it, but for front.
type sentLine struct {
	on      bool
	list    []*Exchange
	timer   *time.Timer // of look; nil: never armed
	armed   bool
	recalls int          // Recalls that have no Recalled
	asked   time.Time    // when the last Recall went out that has no answer; zero: none
	front   atomic.Int64 // since when the first runs, by clock; 0: there is none
}

// started is the zero of clock.
var started = time.Now()

// clock is a time that only grows, in nanoseconds; never 0.
func clock(t time.Time) int64 { return int64(t.Sub(started)) + 1 }

// FrontRan returns how long the request has run that a worker of one at a time
// runs; 0: there is none. It takes no lock.
func (c *Conn) FrontRan(now time.Time) time.Duration {
	since := c.line.front.Load()
	if since == 0 {
		return 0
	}
	return max(time.Duration(clock(now)-since), 1)
}

// add enters an exchange whose Request has just been queued. c.mu is held.
func (c *Conn) lineAdd(x *Exchange, now time.Time) {
	l := &c.line
	l.list = append(l.list, x)
	switch {
	case len(l.list) == 1:
		l.front.Store(clock(now))
	case !l.armed:
		l.arm(recallAfter, c.look)
	}
}

// drop takes out one that has ended; the one behind it may run now. c.mu is held.
func (l *sentLine) drop(x *Exchange, now time.Time) {
	i := slices.Index(l.list, x)
	if i < 0 {
		return
	}
	l.list = slices.Delete(l.list, i, i+1)
	switch {
	case i > 0:
	case len(l.list) == 0:
		l.front.Store(0)
	default:
		l.front.Store(clock(now))
		l.list[0].runs(now)
	}
}

func (l *sentLine) arm(d time.Duration, look func()) {
	l.armed = true
	if l.timer == nil {
		l.timer = time.AfterFunc(d, look) // ends by itself: look arms it again only while there is a line
	} else {
		l.timer.Reset(d)
	}
}

// look runs on the timer while more than one request is at the worker.
func (c *Conn) look() {
	c.mu.Lock()
	l := &c.line
	l.armed = false
	if c.err != nil || len(l.list) < 2 {
		c.mu.Unlock()
		return
	}
	now := time.Now()
	if !l.asked.IsZero() { // stuck: so are all that were asked for
		stuck := 0
		if now.Sub(l.asked) >= stuckAfter {
			for _, x := range l.list[1:] {
				if x.asked {
					stuck++
				}
			}
		} else {
			l.arm(stuckAfter-now.Sub(l.asked), c.look)
		}
		c.mu.Unlock()
		if stuck > 0 {
			c.owner.Stuck(stuck)
		}
		return
	}
	if left := recallAfter - c.FrontRan(now); left > 0 {
		l.arm(left, c.look)
		c.mu.Unlock()
		return
	}
	ids := l.ask(now)
	if len(ids) > 0 {
		l.arm(stuckAfter, c.look)
	}
	c.mu.Unlock()
	c.sendRecall(ids)
}

// Recall takes back the requests that wait behind the first one: each that has
// not started ends with ErrRecalled.
func (c *Conn) Recall() {
	c.mu.Lock()
	var ids []byte
	if c.err == nil && len(c.line.list) > 1 {
		ids = c.line.ask(time.Now())
	}
	c.mu.Unlock()
	c.sendRecall(ids)
}

// ask returns the payload of a Recall for all but the first. c.mu is held.
func (l *sentLine) ask(now time.Time) (ids []byte) {
	for _, x := range l.list[1:] {
		if !x.asked && len(ids) < 4*wire.MaxRecalled {
			x.asked = true
			ids = binary.BigEndian.AppendUint32(ids, x.id)
		}
	}
	if len(ids) > 0 {
		l.asked = now
		l.recalls++
	}
	return ids
}

func (c *Conn) sendRecall(ids []byte) {
	if len(ids) > 0 {
		_ = c.order(wire.KindRecall, 0, ids...) // a worker without a control socket is never sent a second request
	}
}

// takeRecalled ends the exchanges that the worker has given back.
func (c *Conn) takeRecalled(p []byte) error {
	if len(p)%4 != 0 {
		return wire.Errorf(p, "a Recalled of %d octets", len(p))
	}
	var back []*Exchange
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil
	}
	c.line.asked = time.Time{}
	now := time.Now()
	for ; len(p) > 0; p = p[4:] {
		x := c.streams[binary.BigEndian.Uint32(p)]
		if x == nil || !x.asked {
			c.mu.Unlock()
			return wire.Errorf(p, "a Recalled for stream %d, which was not asked for", binary.BigEndian.Uint32(p))
		}
		delete(c.streams, x.id)
		c.line.drop(x, now)
		back = append(back, x)
	}
	c.mu.Unlock()
	for _, x := range back {
		x.recalled()
		c.owner.Freed(x, Recalled)
	}
	return nil
}

// runs notes that nothing is before x at its worker any more.
func (x *Exchange) runs(now time.Time) {
	x.mu.Lock()
	x.since = now
	x.mu.Unlock()
}

// recalled ends an exchange that its worker has not begun with and never will.
func (x *Exchange) recalled() {
	x.mu.Lock()
	if !x.ended {
		x.ended, x.endedAt, x.err = true, time.Now(), ErrRecalled
		x.sent, x.since = time.Time{}, time.Time{}
	}
	x.stopLimit()
	x.mu.Unlock()
	wake(x.wakeRead)
	wake(x.wakeSend)
}
