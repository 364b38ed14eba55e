package supervisor

import (
	"container/list"
	"sync"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// queue holds the requests that wait for a worker, first come, first served. While clients leave it unserved, the newest
// request is served first instead: the client of the oldest one is about to leave, and its request would be run in vain. The
// pool's lock guards it.
type queue struct {
	list  list.List
	spare sync.Pool // *waiter: under load nearly every request is one for a moment
	gone  float64   // the share of the last queueMemory waits or so that ended without a worker
}

const (
	queueMemory = 64
	// queueGone is the share of gone above which the order turns. A few clients always leave; when it is one in sixteen the
	// queue lasts as long as clients wait.
	queueGone = 1.0 / 16
)

// waiter is a request in the queue.
type waiter struct {
	label shim.Label
	since time.Time
	again bool       // it has waited before
	end   chan grant // capacity 1: its wait is over
	at    *list.Element
	timer *time.Timer
}

// grant is how a wait ended: with a worker that the waiter may use, or with a refusal.
type grant struct {
	backend *backend
	err     error
}

// timeout returns a channel that gets a value after d; nil, which never does, for 0.
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

// release gives a waiter back for another request. Its grant was received or will never come.
func (q *queue) release(w *waiter) {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.at, w.label = nil, shim.Label{}
	q.spare.Put(w)
}

// ended counts a wait that is over: with a worker, or gone without one.
func (q *queue) ended(gone bool) {
	q.gone -= q.gone / queueMemory
	if gone {
		q.gone += 1.0 / queueMemory
	}
}

// newestFirst reports whether the order has turned.
func (q *queue) newestFirst() bool { return q.gone > queueGone }

func (q *queue) len() int { return q.list.Len() }

// add appends a request, or puts it at the front when it has waited before.
func (q *queue) add(l *shim.Label, again bool) *waiter {
	w, ok := q.spare.Get().(*waiter)
	if !ok {
		w = &waiter{end: make(chan grant, 1)}
	}
	w.label, w.since, w.again = *l, time.Now(), again
	if again {
		w.at = q.list.PushFront(w)
	} else {
		w.at = q.list.PushBack(w)
	}
	return w
}

// remove takes a waiter out; false: it was not in the queue any more.
func (q *queue) remove(w *waiter) bool {
	if w.at == nil {
		return false
	}
	q.list.Remove(w.at)
	w.at = nil
	return true
}

// firstAgain reports whether the first request has waited before.
func (q *queue) firstAgain() bool {
	e := q.list.Front()
	return e != nil && e.Value.(*waiter).again
}

// next takes out the request that is served next: one that has waited before, else the first or, while clients leave, the
// newest; nil: none waits.
func (q *queue) next() *waiter {
	e := q.list.Back()
	if e == nil || !q.newestFirst() || q.firstAgain() {
		return q.first()
	}
	w := e.Value.(*waiter)
	q.remove(w)
	return w
}

// first takes out the first request; nil: none waits.
func (q *queue) first() *waiter {
	e := q.list.Front()
	if e == nil {
		return nil
	}
	w := e.Value.(*waiter)
	q.remove(w)
	return w
}

// refuse ends all waits with err.
func (q *queue) refuse(err error) {
	for w := q.first(); w != nil; w = q.first() {
		w.end <- grant{err: err}
	}
}

// mostLabels bounds what labels returns.
const mostLabels = 100

// labels are those of the first requests.
func (q *queue) labels() (list []shim.Label) {
	for e := q.list.Front(); e != nil && len(list) < mostLabels; e = e.Next() {
		list = append(list, e.Value.(*waiter).label)
	}
	return list
}

// oldest is how long the first request has waited.
func (q *queue) oldest() time.Duration {
	if e := q.list.Front(); e != nil {
		return time.Since(e.Value.(*waiter).since)
	}
	return 0
}
