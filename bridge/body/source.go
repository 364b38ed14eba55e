package body

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// source is the client's side of a body: each read has a deadline, keeps the limits, and can
// be ended by another goroutine. Its state is guarded by mu.
type source struct {
	w        http.ResponseWriter
	r        *http.Request
	info     *httpx.RequestInfo
	max      int64 // bytes; 0: no limit
	patience httpx.Patience

	mu       sync.Mutex
	active   bool // a read is under way
	started  bool // a read has begun
	stopped  bool // no further read
	complete bool // the body was read to its end
	received int64
	err      error     // why the body will not be complete
	last     time.Time // no read may last longer; zero: no such moment
}

// Read reads from the client. Its errors are those of this package, and io.EOF.
func (s *source) Read(p []byte) (int, error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	start := time.Now()
	n, err := s.r.Body.Read(p)
	return s.leave(n, err, time.Since(start))
}

// enter sets the deadline of the next read. A deadline that was set before is over.
func (s *source) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return s.err
	case s.complete:
		return io.EOF
	case s.stopped:
		return ErrStopped
	}
	deadline := s.last
	if s.patience.Silence > 0 {
		if at := time.Now().Add(max(s.patience.Left(), 0)); deadline.IsZero() || at.Before(deadline) {
			deadline = at
		}
	}
	s.setReadDeadline(deadline)
	s.active, s.started = true, true
	return nil
}

// leave accounts for a read and returns what the reader gets.
func (s *source) leave(n int, err error, took time.Duration) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = false
	s.received += int64(n)
	inTime := s.patience.Spend(took, int64(n))
	if err == io.EOF {
		s.info.BodyRead = true
	}
	switch {
	case s.stopped && err != nil && err != io.EOF:
		return 0, ErrStopped
	case s.max > 0 && s.received > s.max:
		s.err = fmt.Errorf("%w (%d bytes)", ErrTooLarge, s.max)
	case err != nil && err != io.EOF:
		s.err = cause(err)
	case err == nil && !inTime:
		s.err = ErrStalled
	}
	if s.err != nil {
		return 0, s.err
	}
	if err == io.EOF {
		s.complete = true
		if s.patience.Silence > 0 {
			s.setReadDeadline(time.Time{})
		}
	}
	return n, err
}

// setReadDeadline sets the deadline of the client's connection; not every server has one.
func (s *source) setReadDeadline(at time.Time) {
	_ = http.NewResponseController(s.w).SetReadDeadline(at)
}

// stop ends a read that is under way and forbids further ones; idle false: only if one is
// under way. cut: the connection is of no use afterwards.
func (s *source) stop(idle, cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.complete || !s.active && !idle {
		return
	}
	s.stopped = true
	if s.active || cut {
		s.setReadDeadline(time.Unix(1, 0))
	}
}

// hurry leaves limit to a client that has sent nothing yet.
func (s *source) hurry(limit time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.received == 0 && !s.complete {
		s.last = time.Now().Add(limit)
		s.setReadDeadline(s.last)
	}
}
