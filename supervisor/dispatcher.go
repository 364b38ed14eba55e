package supervisor

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// dispatcher gives requests to backends, and has the queue of those that wait for one. It knows neither slots nor processes.
type dispatcher struct {
	*core
	up chan struct{} // closed at the first join

	// Under mu:
	queue     queue
	able      backends // those that take requests
	debugged  int      // those that would, but for a debugger
	slots     int      // of the pool; 0: it sleeps, or has not started
	rouse     func()   // wakes a pool that sleeps; mu is held
	clock     int64    // counts what becomes free
	used      int      // the most backends that were needed at a time since the scaler looked
	idleSince time.Time
	everUp    bool
	paused    bool
	resumed   time.Time    // when the last pause ended, or the last gap of StopFirst
	unserved  time.Time    // since when no backend takes requests; zero: one does, or none has yet
	bootsFail bool         // since then a boot has ended without a worker
	failure   *BootFailure // of the last boot; nil: the last boot succeeded
}

// acquire returns a backend for the request that l names, after a wait in the queue if need be; again: it has waited before.
func (d *dispatcher) acquire(ctx context.Context, l *shim.Label, again bool) (*backend, error) {
	d.mu.Lock()
	if d.queue.len() == 0 || again {
		if b := d.pick(again); b != nil {
			d.take(b)
			d.mu.Unlock()
			return b, nil
		}
	}
	d.rouse()
	if err := d.refusal(); err != nil && !(again && errors.Is(err, shim.ErrQueueFull)) {
		d.mu.Unlock()
		return nil, err
	}
	w := d.queue.add(l, again)
	limit := d.gen.QueueTimeout
	d.mu.Unlock()

	defer d.queue.release(w)
	var err error
	overdue := w.timeout(limit)
	for err == nil {
		select {
		case g := <-w.end:
			return g.backend, g.err
		case <-ctx.Done():
			err = ctx.Err()
		case <-overdue:
			if more := d.timeLeft(limit); more > 0 {
				overdue = w.timeout(more)
			} else {
				err = shim.ErrQueueTimeout
			}
		}
	}
	if d.abandon(w) {
		return nil, err
	}
	// Its wait ended in the same moment.
	g := <-w.end
	if g.backend != nil && ctx.Err() != nil {
		d.free(g.backend, false, 0)
		return nil, ctx.Err()
	}
	return g.backend, g.err
}

// abandon takes a waiter out of the queue; false: its wait has ended already.
func (d *dispatcher) abandon(w *waiter) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.queue.remove(w) {
		return false
	}
	d.queue.ended(true)
	d.changes.tell()
	return true
}

// admit returns the refusal that acquire would return at once, or nil.
func (d *dispatcher) admit() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pick(false) != nil {
		return nil
	}
	d.rouse()
	return d.refusal()
}

// refusal says why a request may not wait. mu is held.
func (d *dispatcher) refusal() error {
	switch {
	case d.stopping:
		return shim.ErrStopping
	case d.hopeless():
		return shim.ErrNoWorkers
	case d.gen.Queue > 0 && d.queue.len() >= d.gen.Queue:
		return &shim.QueueFull{Waiting: d.queue.len(), Limit: d.gen.Queue, Oldest: d.queue.oldest(), Workers: d.slots, Busy: d.able.busy()}
	}
	return nil
}

// hopeless reports whether no worker is up and the last boot failed. A pool that sleeps is not hopeless: the next request wakes
// it. mu is held.
func (d *dispatcher) hopeless() bool { return servingOf(d) == 0 && d.failure != nil && d.slots > 0 }

// servingOf is how many backends serve, those in a debugger included. mu is held.
func servingOf(d *dispatcher) int { return len(d.able) + d.debugged }

// pick returns the backend for the next request; nil: all are busy, or the pool is paused. mu is held.
func (d *dispatcher) pick(again bool) *backend {
	if d.paused {
		return nil
	}
	return d.able.pick(d.gen.shrinks(), again)
}

// take gives b a request. mu is held.
func (d *dispatcher) take(b *backend) {
	b.inFlight++
	if d.gen.shrinks() {
		d.used, d.idleSince = max(d.used, d.needed()), time.Now()
	}
}

// needed is how many workers are needed for what runs and waits now. mu is held.
func (d *dispatcher) needed() int {
	n := d.able.inFlight() + d.queue.len()
	return (n + d.gen.Threads - 1) / d.gen.Threads
}

// free takes a request off b, which was served for so long, or was not served. A request that waits gets its place.
func (d *dispatcher) free(b *backend, served bool, ran time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b.inFlight--
	if served {
		b.pace.ran(ran, b.served == 0)
		b.served++
		d.count.Served++
		if b.most > 0 && b.served >= b.most && b.serving {
			b.worn()
		}
	}
	d.clock++
	b.freed = d.clock
	d.changes.tell()
	if b.serving {
		d.serveQueue()
	} else if b.inFlight <= b.givenUp {
		offer(b.freedUp, struct{}{})
	}
}

// giveUp counts requests of b whose clients do not wait any more. Freed may come before Expired: the sum is right when both
// have come.
func (d *dispatcher) giveUp(b *backend, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b.givenUp += n
}

// serveQueue gives free backends to requests that wait. mu is held.
func (d *dispatcher) serveQueue() {
	for d.queue.len() > 0 {
		b := d.pick(d.queue.firstAgain())
		if b == nil {
			return
		}
		d.take(b)
		d.queue.ended(false)
		d.queue.next().end <- grant{backend: b}
	}
}

// join adds a backend that is ready, and returns how many there are. cutover: it takes the place of all older ones.
func (d *dispatcher) join(b *backend, cutover bool) (count, of int) {
	var old backends
	defer func() {
		for _, o := range old {
			o.conn.Recall()
		}
	}()
	d.mu.Lock()
	defer d.mu.Unlock()
	if cutover {
		old = d.retireOlder(b)
	}
	b.serving = true
	d.idleSince = time.Now()
	d.clock++
	b.freed = d.clock
	if d.replacing() {
		d.resumed = d.idleSince
	}
	if b.debugs > 0 {
		d.debugged++
	} else {
		d.able = append(d.able, b)
	}
	d.changes.tell()
	d.unserved, d.bootsFail = time.Time{}, false
	if !d.everUp {
		d.everUp = true
		close(d.up)
	}
	d.serveQueue()
	return servingOf(d), d.slots
}

// retireOlder takes the backends of older generations than b's out of service, and returns them. mu is held.
func (d *dispatcher) retireOlder(b *backend) (old backends) {
	for _, o := range d.able {
		if o.version < b.version {
			o.serving = false
			old = append(old, o)
		}
	}
	d.able = slices.DeleteFunc(d.able, func(o *backend) bool { return !o.serving })
	return old
}

// leave takes a backend out of service. It takes back the requests that it has not begun with. It may be called more than once.
func (d *dispatcher) leave(b *backend) {
	d.mu.Lock()
	served := b.serving
	if served {
		b.serving = false
		if b.debugs > 0 {
			d.debugged--
		}
		d.able = d.able.without(b)
		if servingOf(d) == 0 {
			d.unserved = time.Now()
		}
		if d.hopeless() {
			d.queue.refuse(shim.ErrNoWorkers)
		}
	}
	d.mu.Unlock()
	if served {
		b.conn.Recall()
	}
}

// debug counts a debugger that opens in a backend (1) or ends (-1). While there is one the backend gets no new request, and those
// that it has not begun with are taken back.
func (d *dispatcher) debug(b *backend, n int) {
	recall := false
	defer func() {
		d.mu.Unlock()
		if recall {
			b.conn.Recall()
		}
	}()
	d.mu.Lock()
	was := b.debugs > 0
	b.debugs += n
	is := b.debugs > 0
	switch {
	case was == is || !b.serving:
	case is:
		d.able = d.able.without(b)
		d.debugged++
		recall = true
	default:
		if len(d.able) == 0 {
			d.resumed = time.Now()
		}
		d.able = append(d.able, b)
		d.debugged--
		d.clock++
		b.freed = d.clock
		d.changes.tell()
		d.serveQueue()
	}
}

// pause keeps requests in the queue, or ends that. It reports whether it was paused before.
func (d *dispatcher) pause(on bool) (was bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	was, d.paused = d.paused, on
	if !on {
		if was {
			d.resumed = time.Now()
		}
		d.serveQueue()
	}
	return was
}

// patience returns how much longer a request may wait that has waited for limit; 0 or less: no longer. A pause is meant to keep
// requests: it takes nothing from their time, and the whole of it begins again when the pause ends.
func (d *dispatcher) timeLeft(limit time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.paused || d.replacing() || len(d.able) == 0 && d.debugged > 0 {
		return limit
	}
	return limit - time.Since(d.resumed)
}

// replacing reports whether no worker serves because one has to stop before the next one is started. mu is held.
func (d *dispatcher) replacing() bool {
	return d.gen.StopFirst && servingOf(d) == 0 && d.failure == nil && !d.stopping
}

// slept forgets the failures of the time before the pool slept. mu is held.
func (d *dispatcher) slept() {
	d.failure = nil
	d.unserved, d.bootsFail = time.Now(), false
}

// look returns the load, for the scaler. mu is held.
func (d *dispatcher) look(now time.Time) load {
	needed, o := d.needed(), &d.gen.Options
	if needed > 0 {
		d.idleSince = now
	}
	l := load{
		now: now, size: d.slots, able: servingOf(d), workers: o.Workers, limit: o.MaxWorkers, idleStop: o.IdleStop,
		waiting: d.queue.len(), oldest: d.queue.oldest(), needed: needed, highest: d.used, paused: d.paused, idleSince: d.idleSince,
	}
	d.used = needed
	return l
}
