package shim

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// A worker that runs one request at a time may have been sent further ones, so that
// it need not wait for Go between two of them (prefetch). What is behind the first
// has not started, and comes back when the first takes long.

const (
	// recallAfter is how long the first request may run before those behind it are
	// taken back.
	recallAfter = 5 * time.Millisecond
	// stuckAfter is how long the worker may take to give them back before they
	// count as stuck: it does so at once, unless its app holds the interpreter
	// (C code that does not let go of the GIL).
	stuckAfter = 20 * time.Millisecond
)

// sentQueue holds the requests of a worker that runs one at a time, in the order in
// which they were sent. The Conn's mu guards it, but for front. It starts no timer and
// sends nothing: add and look say what is to be done.
type sentQueue struct {
	on      bool // the worker runs one request at a time
	list    []*Exchange
	armed   bool         // a look is due
	recalls int          // Recalls that have no Recalled
	asked   time.Time    // when the last Recall went out that has no answer; zero: none
	front   atomic.Int64 // since when the first runs, by ticks; 0: there is none
}

// started is the zero of ticks.
var started = time.Now()

// ticks is a time that only grows, in nanoseconds; never 0.
func ticks(t time.Time) int64 { return int64(t.Sub(started)) + 1 }

// ran returns how long the first has run; 0: there is none. It takes no lock.
func (q *sentQueue) ran(now time.Time) time.Duration {
	since := q.front.Load()
	if since == 0 {
		return 0
	}
	return max(time.Duration(ticks(now)-since), 1)
}

// add enters an exchange whose Request has just been queued. It reports whether a look
// is to come after recallAfter.
func (q *sentQueue) add(x *Exchange, now time.Time) (arm bool) {
	q.list = append(q.list, x)
	if len(q.list) == 1 {
		q.front.Store(ticks(now))
		return false
	}
	arm = !q.armed
	q.armed = true
	return arm
}

// remove takes out one that has ended; the one behind it may run now.
func (q *sentQueue) remove(x *Exchange, now time.Time) {
	i := slices.Index(q.list, x)
	if i < 0 {
		return
	}
	q.list = slices.Delete(q.list, i, i+1)
	switch {
	case i > 0:
	case len(q.list) == 0:
		q.front.Store(0)
	default:
		q.front.Store(ticks(now))
		x := q.list[0] // nothing is before it any more
		x.mu.Lock()
		x.since = now
		x.mu.Unlock()
		x.sender.wake()
	}
}

// clear forgets all.
func (q *sentQueue) clear() {
	q.list = nil
	q.front.Store(0)
}

// look says what is to be done about those behind the first: the streams to take
// back, how many are stuck, and when to look again; 0: not.
func (q *sentQueue) look(now time.Time) (ids []byte, stuck int, again time.Duration) {
	q.armed = false
	if len(q.list) < 2 {
		return nil, 0, 0
	}
	switch {
	case q.asked.IsZero():
		if again = recallAfter - q.ran(now); again > 0 {
			break
		}
		again = 0
		if ids = q.ask(now); len(ids) > 0 {
			again = stuckAfter
		}
	case now.Sub(q.asked) >= stuckAfter: // stuck: so are all that were asked for
		for _, x := range q.list[1:] {
			if x.asked {
				stuck++
			}
		}
	default:
		again = stuckAfter - now.Sub(q.asked)
	}
	q.armed = again > 0
	return ids, stuck, again
}

// ask returns the payload of a Recall for all but the first.
func (q *sentQueue) ask(now time.Time) (ids []byte) {
	if len(q.list) < 2 {
		return nil
	}
	for _, x := range q.list[1:] {
		if !x.asked && len(ids) < 4*wire.MaxRecalled {
			x.asked = true
			ids = binary.BigEndian.AppendUint32(ids, x.id)
		}
	}
	if len(ids) > 0 {
		q.asked = now
		q.recalls++
	}
	return ids
}

// FrontRan returns how long the request has run that a worker of one at a time
// runs; 0: there is none. It takes no lock.
func (c *Conn) FrontRan(now time.Time) time.Duration { return c.queue.ran(now) }

// Recall takes back the requests that wait behind the first one: each that has
// not started ends with ErrRecalled.
func (c *Conn) Recall() {
	c.mu.Lock()
	var ids []byte
	if c.err == nil {
		ids = c.queue.ask(time.Now())
	}
	c.mu.Unlock()
	if len(ids) > 0 {
		_ = c.order(wire.KindRecall, 0, ids...) // a worker without a control socket is never sent a second request
	}
}

// look runs on the timer while more than one request is at the worker.
func (c *Conn) look() {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	ids, stuck, again := c.queue.look(time.Now())
	if again > 0 {
		c.alarm.set(again, c.look)
	}
	c.mu.Unlock()
	if stuck > 0 {
		c.owner.Stuck(stuck)
	}
	if len(ids) > 0 {
		_ = c.order(wire.KindRecall, 0, ids...)
	}
}

// alarm is a timer that is made when it is first set.
type alarm struct{ timer *time.Timer }

// set has f run after d; f ends by itself. No other alarm may be set.
func (a *alarm) set(d time.Duration, f func()) {
	if a.timer == nil {
		a.timer = time.AfterFunc(d, f)
	} else {
		a.timer.Reset(d)
	}
}
