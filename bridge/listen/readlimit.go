package listen

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// readLimit is until when a Conn may wait in reads. A deadline of net.Conn is a timer for
// each connection, which each request sets again. ReadBy is a number instead, at which the
// watch looks.
type readLimit struct {
	by    atomic.Int64 // moment; readExpired: the watch has ended reads
	exact atomic.Bool  // net.Conn has a deadline that SetReadDeadline set
	mu    sync.Mutex   // held while net.Conn's deadline is set
}

// readExpired is no moment that comes.
const readExpired = -1

// moment is a time as a number; 0: none. It does not jump with the machine's clock.
type moment = int64

// begin is what moments count from.
var begin = time.Now()

func momentOf(t time.Time) moment { return max(int64(t.Sub(begin)), 1) }

// ReadBy has reads that wait at the moment at, or later, fail with
// os.ErrDeadlineExceeded, up to a second late. The zero time: they may wait for ever. The
// last of ReadBy, SetReadDeadline and SetDeadline counts. Unlike the others it is cheap.
func (c *Conn) ReadBy(at time.Time) {
	to := moment(0)
	if !at.IsZero() {
		to = momentOf(at)
	}
	r := &c.reads
	if old := r.by.Load(); old == readExpired || r.exact.Load() || !r.by.CompareAndSwap(old, to) {
		r.mu.Lock()
		r.by.Store(to)
		r.exact.Store(false)
		_ = c.pace.stayEnded(c, c.Conn.SetReadDeadline(time.Time{}))
		r.mu.Unlock()
	}
	if to != 0 && to < c.group.watch.next.Load() {
		c.group.watch.sooner(to)
	}
}

// SetReadDeadline is net.Conn's. A connection that was ended for being too slow stays so.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.reads.mu.Lock()
	defer c.reads.mu.Unlock()
	c.reads.by.Store(0)
	c.reads.exact.Store(!t.IsZero())
	return c.pace.stayEnded(c, c.Conn.SetReadDeadline(t))
}

// look ends reads whose time is over, and returns the moment at which they are to end.
func (r *readLimit) look(c *Conn, now moment) moment {
	by := r.by.Load()
	switch {
	case by <= 0:
		return math.MaxInt64
	case by > now:
		return by
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by.CompareAndSwap(by, readExpired) {
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
	return math.MaxInt64
}
