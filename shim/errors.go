package shim

import (
	"errors"
	"fmt"
	"time"
)

// What callers branch on. All come back wrapped with the worker's name.
var (
	// ErrNotStarted: the worker left before it had begun with the request, so the
	// app cannot have seen it. The request may go to another worker.
	ErrNotStarted = errors.New("the request was not started")
	// ErrRecalled: the request was sent to a worker that was busy with another one,
	// and was taken back before it had started. It is an ErrNotStarted.
	ErrRecalled = fmt.Errorf("its worker has given it back: %w", ErrNotStarted)
	// ErrWorkerGone: the worker died, or its pipe broke, after the request was
	// sent and before its answer was complete.
	ErrWorkerGone = errors.New("the worker is gone")
	// ErrAnswered: the answer has ended, so further bytes of the body are not read.
	// It is no failure: stop sending.
	ErrAnswered = errors.New("the request is answered already")

	// Refusals of a pool. ErrQueueFull comes as *QueueFull.
	ErrQueueFull    = errors.New("the queue is full")
	ErrQueueTimeout = errors.New("waited too long for a worker")
	ErrNoWorkers    = errors.New("no worker is up")
	ErrStopping     = errors.New("the server is stopping")
)

// QueueFull is ErrQueueFull with the figures that its log line and the answer's
// Retry-After need.
type QueueFull struct {
	// Waiting and Limit count requests in the queue.
	Waiting, Limit int
	// Oldest is how long the first of the queue has waited.
	Oldest time.Duration
	// Busy and Workers count workers that run a request, and all of them.
	Busy, Workers int
}

func (e *QueueFull) Error() string {
	return fmt.Sprintf("%v: %d of %d waiting, the oldest for %v; %d of %d workers busy",
		ErrQueueFull, e.Waiting, e.Limit, e.Oldest.Round(time.Millisecond), e.Busy, e.Workers)
}

func (e *QueueFull) Unwrap() error { return ErrQueueFull }
