package supervisor

import (
	"fmt"
	"time"
)

// The scaler's rules. A pool grows when a request has waited, not when a CPU is busy: a worker that waits for a database needs a
// second one beside it, and one that computes is helped by no more of them than there are CPUs.
const (
	scaleTick   = 100 * time.Millisecond
	growAfter   = 100 * time.Millisecond // the first request of the queue has waited so long
	shrinkAfter = 30 * time.Second
)

// scaler decides whether a pool grows or shrinks: pure. It grows by a worker for each request that waits, at most to the double,
// and only when none is booting. It gives up one slot at a time, when for shrinkAfter fewer would have done: so a load that comes
// in waves keeps the workers that its peaks need.
type scaler struct {
	since time.Time // the start of the window
	most  int       // the most workers that were needed since
}

// load is the input of a scaler.
type load struct {
	now             time.Time
	size, able      int           // slots, and workers that take requests
	workers, limit  int           // the least and the most slots
	idleStop        time.Duration // 0: never
	waiting         int           // requests in the queue, the first of them for oldest
	oldest          time.Duration
	needed, highest int // workers that are needed now, and the most since the last look
	paused          bool
	idleSince       time.Time
}

// step returns the size that the pool is to have, and why; no reason: it stays.
func (s *scaler) step(l load) (size int, why string) {
	size = l.size
	s.most = max(s.most, l.needed, l.highest)
	switch {
	case size < l.limit && l.oldest >= growAfter && l.able == size && !l.paused:
		size = min(size+max(1, min(size, l.waiting)), l.limit)
		why = fmt.Sprintf("the first of %d requests has waited for %v", l.waiting, l.oldest.Round(time.Millisecond))
		s.since, s.most = l.now, 0
	case l.idleStop > 0 && size > 0 && l.needed == 0 && l.able == size && l.now.Sub(l.idleSince) >= l.idleStop: // not in the middle of a boot
		size, why = 0, fmt.Sprintf("no request for %v", l.idleStop)
	case s.since.IsZero() || s.most >= size:
		s.since, s.most = l.now, 0
	case l.now.Sub(s.since) >= shrinkAfter:
		if size > l.workers {
			size--
			why = fmt.Sprintf("at most %d were needed for %v", s.most, shrinkAfter)
		}
		s.since, s.most = l.now, 0
	}
	return size, why
}
