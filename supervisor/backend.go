package supervisor

import (
	"slices"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// backend is a worker as the dispatcher sees it. The pool's lock guards it.
type backend struct {
	conn    *shim.Conn // nil: there is no process yet
	number  int        // of its slot
	version int        // the number of its generation
	threads int        // requests that it runs at a time
	ahead   int        // requests that it may be sent beyond the one that it runs
	pace    *pace
	most    int64 // requests that it may serve; 0: no limit
	// freedUp gets a value when a request has ended at a backend that leaves; worn is called, with the lock held, when it has
	// served as many as it may.
	freedUp chan struct{}
	worn    func()

	inFlight int
	givenUp  int // of those in flight: their time is over, or their client has left
	serving  bool
	debugs   int   // debuggers that are open in it: it takes no request meanwhile
	freed    int64 // the dispatcher's clock when it last became free: longest idle first
	served   int64
}

// A worker with one thread that has answered waits until the next request has come
// through Go and the pipe. So while none is idle, a busy one may be sent further
// requests (Options.Prefetch), as long as each is expected to wait there hardly
// longer than in the queue. An app with more than a few slow requests gets none ahead:
// what waits behind a slow one has to be taken back (shim.Conn.Recall).
const (
	// prefetchWait bounds the expected wait of a request behind others.
	prefetchWait = 2 * time.Millisecond
	// slowRequest is a slow run, and slowShare the share of slow ones, of the
	// last hundreds, from which on nothing is prefetched.
	slowRequest = 50 * time.Millisecond
	slowShare   = 0.01
)

// takesMore reports whether a busy backend may be sent one more request. now is filled in when it is needed.
func (b *backend) takesMore(now *time.Time) bool {
	p := b.pace
	if b.inFlight > b.ahead || p.slow > slowShare || time.Duration(b.inFlight)*p.smooth > prefetchWait {
		return false
	}
	if now.IsZero() {
		*now = time.Now()
	}
	return b.conn.FrontRan(*now) <= prefetchWait/2
}

// load returns how many requests it runs, and for how many of them a client waits.
func (b *backend) load() (inFlight, wanted int) { return b.inFlight, max(b.inFlight-b.givenUp, 0) }

// pace is how fast the requests of a generation are run. The pool's lock guards it.
type pace struct {
	smooth time.Duration // of a request's run; starts where nothing is prefetched
	slow   float64       // the share of slow ones, smoothed
}

// ran counts a request that was run for d. first: it was the first one of its worker,
// which often imports and compiles, and says nothing about the next. A request that is
// very slow counts for no more than a few slow ones: the machine may have been slow.
func (p *pace) ran(d time.Duration, first bool) {
	if first {
		return
	}
	p.smooth += (min(d, 4*prefetchWait) - p.smooth) / 8
	p.slow -= p.slow / 256
	if d > slowRequest {
		p.slow += 1.0 / 256
	}
}

// backends are those that take requests. The pool's lock guards them.
type backends []*backend

// pick returns the backend for the next request: the least busy one, and among these the one that was idle longest or, where
// the pool may shrink (low), the one in the lowest slot, so that the high ones become idle. nil: all are busy. Where none is
// idle a busy one may do, except for a request that has waited before (again).
func (list backends) pick(low, again bool) *backend {
	var best *backend
	var now time.Time
	for _, b := range list {
		switch {
		case b.inFlight >= b.threads && (again || best != nil && best.inFlight < b.inFlight || !b.takesMore(&now)):
		case best == nil || b.inFlight < best.inFlight:
			best = b
		case b.inFlight > best.inFlight:
		case low && b.number < best.number, !low && b.freed < best.freed:
			best = b
		}
	}
	return best
}

// inFlight is how many requests they run.
func (list backends) inFlight() (n int) {
	for _, b := range list {
		n += b.inFlight
	}
	return n
}

// of reports whether one of them is of that generation.
func (list backends) of(version int) bool {
	return slices.ContainsFunc(list, func(b *backend) bool { return b.version == version })
}

// busy is how many of them run a request.
func (list backends) busy() (n int) {
	for _, b := range list {
		if b.inFlight > 0 {
			n++
		}
	}
	return n
}

func (list backends) without(b *backend) backends {
	return slices.DeleteFunc(list, func(o *backend) bool { return o == b })
}
