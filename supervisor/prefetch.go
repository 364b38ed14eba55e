package supervisor

import (
	"time"

	"github.com/standpipe/standpipe/shim"
)

// A worker with one thread that has answered waits until the next request has come
// through Go and the pipe. So while none is idle, a busy one may be sent further
// requests (Options.Prefetch), as long as each is expected to wait there hardly
// longer than in the line. An app with slow requests is left out: what stands
// behind one of them would have to be taken back (shim.Conn.Recall).
const (
	// prefetchWait bounds the expected wait of a request behind others.
	prefetchWait = 2 * time.Millisecond
	// slowRequest is what makes an app slow: for slowFactor times as long as the
	// request took, at most slowMemory. So what such requests can cost others stays a
	// small share, and a hiccup of the machine does not switch prefetch off for long.
	slowRequest = 50 * time.Millisecond
	slowFactor  = 20
	slowMemory  = time.Minute
)

// pace is how fast the requests of a generation are run. The pool's mu guards it.
type pace struct {
	smooth time.Duration // of a request's run; starts where nothing is prefetched
	slow   time.Time     // until then nothing is
}

// ran counts a request that was run for d. first: it was its worker's first one,
// which often imports and compiles, and says nothing about the next.
func (p *pace) ran(d time.Duration, first bool) {
	if first {
		return
	}
	p.smooth += (d - p.smooth) / 8
	if d > slowRequest {
		if until := time.Now().Add(min(slowFactor*d, slowMemory)); until.After(p.slow) {
			p.slow = until
		}
	}
}

// takesMore reports whether w, which is busy, may be sent one more. now is filled in
// when it is needed. mu is held.
func (w *Worker) takesMore(now *time.Time) bool {
	if w.inFlight > w.ahead || time.Duration(w.inFlight)*w.gen.pace.smooth > prefetchWait {
		return false
	}
	if now.IsZero() {
		*now = time.Now()
	}
	return now.After(w.gen.pace.slow) && w.conn.FrontRan(*now) <= prefetchWait/2
}

// Stuck counts requests that wait behind one in a worker that does not give them
// back.
func (w *Worker) Stuck(n int) {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	w.pool.count.PrefetchStuck += int64(n)
}

// canPrefetch: the worker can give back what it has not begun with.
func (w *Worker) canPrefetch(h *shim.Hello) bool {
	return h.Control && w.gen.Threads == 1 && !w.gen.Boot.Gevent
}
