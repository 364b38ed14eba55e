package supervisor

import (
	"errors"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// refusals reports refused requests, at most once a second.
type refusals struct {
	*core
	dispatch *dispatcher
	roster   *roster

	// Under mu, since the last report:
	full, timedOut int
	told           time.Time
	armed          bool // a timer will report
}

// add counts a request that was refused with err; other errors do not count.
func (r *refusals) add(err error) {
	full, timedOut := errors.Is(err, shim.ErrQueueFull), errors.Is(err, shim.ErrQueueTimeout)
	if !full && !timedOut {
		return
	}
	r.mu.Lock()
	if full {
		r.full++
		r.count.QueueFull++
	} else {
		r.timedOut++
		r.count.QueueTimeouts++
	}
	if wait := time.Second - time.Since(r.told); wait > 0 {
		if !r.armed && !r.stopping {
			r.armed = true
			time.AfterFunc(wait, r.report) // ends by itself
		}
		r.mu.Unlock()
		return
	}
	r.mu.Unlock()
	r.report()
}

// report reports the requests that were refused since the last time.
func (r *refusals) report() {
	r.mu.Lock()
	d := r.dispatch
	e := Refused{App: r.app, Full: r.full, TimedOut: r.timedOut, Waiting: d.queue.len(), Limit: r.gen.Queue,
		Oldest: d.queue.oldest(), Workers: d.slots}
	r.full, r.timedOut, r.told, r.armed = 0, 0, time.Now(), false
	r.mu.Unlock()
	e.Busy = r.roster.busyWorkers()
	r.emit(e)
}
