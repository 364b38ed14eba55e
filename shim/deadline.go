package shim

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// DeadlineKind says what a Deadline bounds, and so from when its time counts.
type DeadlineKind uint8

const (
	// ToAnswer bounds the time until the answer. It counts from when the worker can
	// begin: a request behind another one uses up nothing.
	ToAnswer DeadlineKind = iota
	// WithinAnswer bounds the app's silence within its answer.
	WithinAnswer
)

// Deadline bounds a Wait. It is in the past when Limit has passed since From, and
// since each later moment that its kind counts from. The zero value bounds nothing.
type Deadline struct {
	Kind  DeadlineKind
	From  time.Time
	Limit time.Duration // 0: no limit
	// Pausable: the time counts from the last bytes of the request body that moved,
	// and not at all while the app has all that came of it.
	Pausable bool
}

// ErrDeadline is what Wait returns when its Deadline is over.
var ErrDeadline = errors.New("the deadline is over")

// pace is what a Deadline has to know of its request.
type pace struct {
	started time.Time // when the worker could begin; zero: not yet
	moved   time.Time // when bytes of the body moved last; zero: never
	starved bool      // the app has all that came of the body, and more is to come
	resumed time.Time // when the last debugger in the worker ended; zero: there was none
	paused  bool      // a debugger in the worker is open
}

// over returns when d is over. counts false: its time does not count at the moment. It is for
// a Limit above 0.
func (d Deadline) over(p pace) (at time.Time, counts bool) {
	if p.paused {
		return at, false
	}
	from := d.From
	if p.resumed.After(from) {
		from = p.resumed
	}
	if d.Kind == ToAnswer {
		if p.started.IsZero() {
			return at, false
		}
		if p.started.After(from) {
			from = p.started
		}
	}
	if d.Pausable {
		if p.starved {
			return at, false
		}
		if p.moved.After(from) {
			from = p.moved
		}
	}
	return from.Add(d.Limit), true
}

// overdue wakes the Waits of one Conn whose time is over. One timer serves all of them: it is set
// for the earliest end that it has seen, so that a request that is answered in time sets none.
type overdue struct {
	at    atomic.Int64 // when the timer fires, by ticks; 0: it is not set
	mu    sync.Mutex   // held while the timer is set
	timer *time.Timer
}

// by has look called at the time at, or before.
func (o *overdue) by(at int64, look func()) {
	if o.covers(at) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.covers(at) {
		return
	}
	o.at.Store(at)
	in := time.Duration(at - ticks(time.Now()))
	if o.timer == nil {
		o.timer = time.AfterFunc(in, look)
	} else {
		o.timer.Reset(in)
	}
}

// covers reports whether the timer fires at the time at, or before.
func (o *overdue) covers(at int64) bool {
	set := o.at.Load()
	return set != 0 && set <= at
}

// stop keeps look from being called, but for a call that is under way.
func (o *overdue) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.timer != nil {
		o.timer.Stop()
	}
}

// lookOverdue wakes the Waits whose time is over.
func (c *Conn) lookOverdue() {
	c.overdue.at.Store(0) // before the look: a Wait that it does not see sets the timer itself
	now, next := ticks(time.Now()), int64(0)
	c.mu.Lock()
	for _, x := range c.streams {
		switch at := x.until.Load(); {
		case at == 0:
		case at <= now:
			x.reader.wake()
		case next == 0 || at < next:
			next = at
		}
	}
	c.mu.Unlock()
	if next != 0 {
		c.overdue.by(next, c.lookOverdue)
	}
}

// signal wakes one goroutine that waits for a change. It remembers one wake-up, so
// that a change between a look and the wait is not missed. nil: no goroutine waits.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) wake() {
	select {
	case s <- struct{}{}:
	default:
	}
}
