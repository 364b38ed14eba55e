package otlp

import (
	"sync"
	"sync/atomic"
)

const (
	batchSpans = 512     // of one message
	batchBytes = 1 << 20 // of one message, or a little more
	queueSpans = 4096    // that wait; more are dropped
	queueBytes = 4 << 20 // that wait
)

// batch are the spans of one message, each an element of ScopeSpans.spans.
type batch struct {
	b []byte
	n int // spans
}

// queue has the spans that wait to be sent. Those that find no room are dropped, and counted.
type queue struct {
	dropped atomic.Int64
	full    atomic.Bool

	mu    sync.Mutex
	list  []*batch // full ones but for the last
	spare *batch
	spans int
	bytes int

	ready chan struct{} // capacity 1: a batch is full
	some  chan struct{} // capacity 1: the queue is not empty any more
}

func newQueue() queue { return queue{ready: make(chan struct{}, 1), some: make(chan struct{}, 1)} }

// hasRoom reports whether spans are taken at all.
func (q *queue) hasRoom() bool { return !q.full.Load() }

func (q *queue) drop(n int) { q.dropped.Add(int64(n)) }

// add copies the spans of one request. It never waits.
func (q *queue) add(b []byte, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.spans+n > queueSpans || q.bytes+len(b) > queueBytes {
		q.full.Store(true)
		q.drop(n)
		return
	}
	if q.spans == 0 {
		tell(q.some)
	}
	last := q.last()
	last.b = append(last.b, b...)
	last.n += n
	q.spans += n
	q.bytes += len(b)
	if last.isFull() {
		tell(q.ready)
	}
}

// last is the batch that spans are added to. mu is held.
func (q *queue) last() *batch {
	if n := len(q.list); n > 0 && !q.list[n-1].isFull() {
		return q.list[n-1]
	}
	b := q.spare
	if q.spare = nil; b == nil {
		b = new(batch)
	}
	q.list = append(q.list, b)
	return b
}

func (b *batch) isFull() bool { return b.n >= batchSpans || len(b.b) >= batchBytes }

// take returns the first batch; nil: the queue is empty. partly: it need not be full.
func (q *queue) take(partly bool) *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 || !partly && !q.list[0].isFull() {
		return nil
	}
	b := q.list[0]
	q.list = append(q.list[:0], q.list[1:]...)
	q.spans -= b.n
	q.bytes -= len(b.b)
	q.full.Store(false)
	return b
}

// again has the memory of a batch that was sent used once more.
func (q *queue) again(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cap(b.b) <= batchBytes {
		b.b, b.n = b.b[:0], 0
		q.spare = b
	}
}

// waiting is how many spans wait.
func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.spans
}

// tell wakes the one that waits for c.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
