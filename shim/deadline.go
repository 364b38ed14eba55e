package shim

import (
	"errors"
	"sync"
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
}

// left returns how much time is left; 0 or less: it is over. It is for a Limit above 0.
func (d Deadline) left(now time.Time, p pace) time.Duration {
	from := d.From
	if d.Kind == ToAnswer {
		if p.started.IsZero() {
			return d.Limit
		}
		if p.started.After(from) {
			from = p.started
		}
	}
	if d.Pausable {
		if p.starved {
			return d.Limit
		}
		if p.moved.After(from) {
			from = p.moved
		}
	}
	return d.Limit - now.Sub(from)
}

// timers are stopped timers of one Conn: a Wait that blocks takes one.
type timers struct{ pool sync.Pool } // *time.Timer

// start returns a timer that sends after d.
func (s *timers) start(d time.Duration) *time.Timer {
	t, ok := s.pool.Get().(*time.Timer)
	if !ok {
		return time.NewTimer(d)
	}
	t.Reset(d)
	return t
}

func (s *timers) stop(t *time.Timer) {
	t.Stop()
	s.pool.Put(t)
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
