package supervisor

import (
	"container/list"
	"errors"
	"sync"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// waiter is a request in the waiting line.
type waiter struct {
	since time.Time
	again bool     // it has waited before
	end   chan end // capacity 1: its wait is over
	place *list.Element
	timer *time.Timer
}

// end is how a wait ended: with a place in a worker, which is the waiter's, or
// with a refusal.
type end struct {
	worker *Worker
	err    error
}

// timeout returns a channel that tells when d is over; nil, which never does, for 0.
func (w *waiter) timeout(d time.Duration) <-chan time.Time {
	switch {
	case d <= 0:
		return nil
	case w.timer == nil:
		w.timer = time.NewTimer(d)
	default:
		w.timer.Reset(d)
	}
	return w.timer.C
}

// free gives a waiter back. Nobody may hold it any more, and its end has been
// received or will never come.
func (q *line) free(w *waiter) {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.place = nil
	q.spare.Put(w)
}

// line holds the requests that wait for a worker, first come first served. While
// clients leave it unserved, the last to come is served first instead: who is first in
// such a line is about to leave, and would be run for nobody. The pool's lock guards it.
type line struct {
	l     list.List
	spare sync.Pool // *waiter: under load nearly every request is one for a moment
	gone  float64   // of the last lineMemory waits or so, the share that ended without a worker
}

const (
	lineMemory = 64
	// lineGone is the share of gone above which the order turns. A few who leave are
	// always there; when it is one in sixteen the line lasts as long as people wait.
	lineGone = 1.0 / 16
)

// ended counts a wait that is over: with a worker, or gone without one.
func (q *line) ended(gone bool) {
	q.gone -= q.gone / lineMemory
	if gone {
		q.gone += 1.0 / lineMemory
	}
}

// newestFirst reports whether the order has turned.
func (q *line) newestFirst() bool { return q.gone > lineGone }

func (q *line) len() int { return q.l.Len() }

// add puts a request at the end, or, when it has waited before, at the front.
func (q *line) add(front bool) *waiter {
	w, ok := q.spare.Get().(*waiter)
	if !ok {
		w = &waiter{end: make(chan end, 1)}
	}
	w.since, w.again = time.Now(), front
	if front {
		w.place = q.l.PushFront(w)
	} else {
		w.place = q.l.PushBack(w)
	}
	return w
}

// remove takes a waiter out; false: it was not in the line any more.
func (q *line) remove(w *waiter) bool {
	if w.place == nil {
		return false
	}
	q.l.Remove(w.place)
	w.place = nil
	return true
}

// firstAgain reports whether the first one has waited before.
func (q *line) firstAgain() bool {
	e := q.l.Front()
	return e != nil && e.Value.(*waiter).again
}

// next takes out the one who is served next: who has waited before, else the first or,
// while clients leave, the newest; nil: nobody waits.
func (q *line) next() *waiter {
	e := q.l.Back()
	if e == nil || !q.newestFirst() || q.firstAgain() {
		return q.first()
	}
	w := e.Value.(*waiter)
	q.remove(w)
	return w
}

// first takes out the first one; nil: nobody waits.
func (q *line) first() *waiter {
	e := q.l.Front()
	if e == nil {
		return nil
	}
	w := e.Value.(*waiter)
	q.remove(w)
	return w
}

// refuse sends everybody away with err.
func (q *line) refuse(err error) {
	for w := q.first(); w != nil; w = q.first() {
		w.end <- end{err: err}
	}
}

func (q *line) oldest() time.Duration {
	if e := q.l.Front(); e != nil {
		return time.Since(e.Value.(*waiter).since)
	}
	return 0
}

// refusals counts those who were sent away since it was last told.
type refusals struct {
	full, timedOut int
	told           time.Time
	armed          bool // a timer will tell
}

// refused counts one who was sent away, and tells of all at most once a second.
func (p *Pool) refused(err error) {
	full, timedOut := errors.Is(err, shim.ErrQueueFull), errors.Is(err, shim.ErrQueueTimeout)
	if !full && !timedOut {
		return
	}
	p.mu.Lock()
	r := &p.turned
	if full {
		r.full++
		p.count.QueueFull++
	} else {
		r.timedOut++
		p.count.QueueTimeouts++
	}
	if wait := time.Second - time.Since(r.told); wait > 0 {
		if !r.armed && !p.stopping {
			r.armed = true
			time.AfterFunc(wait, p.tellRefused) // ends by itself
		}
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	p.tellRefused()
}

// tellRefused tells of those who were sent away since the last time.
func (p *Pool) tellRefused() {
	p.mu.Lock()
	r := &p.turned
	e := Refused{App: p.opts.App, Full: r.full, TimedOut: r.timedOut, Waiting: p.line.len(), Limit: p.gen.Queue,
		Oldest: p.line.oldest(), Workers: len(p.slots)}
	*r = refusals{told: time.Now()}
	p.mu.Unlock()
	e.Busy = p.Busy()
	p.emit(e)
}

// full returns the refusal for a line that takes nobody else.
func (p *Pool) full() *shim.QueueFull {
	e := &shim.QueueFull{Waiting: p.line.len(), Limit: p.gen.Queue, Oldest: p.line.oldest(), Workers: len(p.slots)}
	for _, w := range p.able {
		if w.inFlight > 0 {
			e.Busy++
		}
	}
	return e
}
