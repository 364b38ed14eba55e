package supervisor

import (
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// A worker with one thread that has answered waits until the next request has come
// through Go and the pipe. So while none is idle, a busy one may be sent further
// requests (Options.Prefetch), as long as each is expected to wait there hardly
// longer than in the line. An app of which more than a few requests are slow is left
// out: what stands behind one of them has to be taken back (shim.Conn.Recall).
const (
	// prefetchWait bounds the expected wait of a request behind others.
	prefetchWait = 2 * time.Millisecond
	// slowRequest is what counts as slow, and slowShare the share of slow ones, of the
	// last hundreds, from which on nothing is prefetched.
	slowRequest = 50 * time.Millisecond
	slowShare   = 0.01
)

// backend is a worker as the queue sees it. The pool's lock guards it.
type backend struct {
	conn     *shim.Conn // nil: there is no process yet
	inFlight int
	givenUp  int // of those in flight: their time is over, or their client has left
	serving  bool
	freed    int64 // the pool's clock when it last became free: longest idle first
	served   int64
}

// pace is how fast the requests of a generation are run. The pool's mu guards it.
type pace struct {
	smooth time.Duration // of a request's run; starts where nothing is prefetched
	slow   float64       // the share of slow ones, smoothed
}

// ran counts a request that was run for d. first: it was its worker's first one,
// which often imports and compiles, and says nothing about the next. One that is
// very slow counts for no more than a few slow ones do: it may have been the machine.
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

// takesMore reports whether w, which is busy, may be sent one more. now is filled in
// when it is needed. mu is held.
func (w *Worker) takesMore(now *time.Time) bool {
	p := &w.gen.pace
	if w.inFlight > w.ahead || p.slow > slowShare || time.Duration(w.inFlight)*p.smooth > prefetchWait {
		return false
	}
	if now.IsZero() {
		*now = time.Now()
	}
	return w.conn.FrontRan(*now) <= prefetchWait/2
}

// canPrefetch: the worker can give back what it has not begun with.
func (w *Worker) canPrefetch(h *wire.Hello) bool {
	return h.Control && w.gen.Threads == 1 && !w.gen.Boot.Gevent
}
