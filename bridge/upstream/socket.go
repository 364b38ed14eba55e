package upstream

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// socket is a connection to a server. Its deadlines cost nothing where nothing waits for long: reads have one that is moved when
// it has passed and not with each request, and writes have one only while the server takes nothing.
type socket struct {
	net.Conn
	io   socketIO
	send time.Duration // how long a write may wait while the server takes nothing; 0: no limit

	mu      sync.Mutex
	over    bool      // interrupt was called: no read and no write waits any more
	by      time.Time // until when a read may wait; zero: for ever
	armed   time.Time // when the system ends a read; zero: never. Not later than by while one waits
	waiting bool      // a read does
}

// readBy bounds reads, also one that is under way; zero: they may wait for ever.
func (s *socket) readBy(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = t
	if s.waiting {
		s.arm()
	}
}

// arm sees to it that a read which waits ends in time. mu is held.
func (s *socket) arm() {
	if !s.over && !s.by.IsZero() && (s.armed.IsZero() || s.armed.After(s.by)) {
		s.armed = s.by
		_ = s.Conn.SetReadDeadline(s.armed) // a failure shows in Read
	}
}

// wait is called before a read waits.
func (s *socket) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = true
	s.arm()
}

// awake is called after a read that has waited.
func (s *socket) awake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
}

// again is called after a read that has failed with err. true: what ended it was a deadline of an earlier read.
func (s *socket) again(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
	if s.over || !errors.Is(err, os.ErrDeadlineExceeded) || !s.by.IsZero() && !time.Now().Before(s.by) {
		return false
	}
	s.armed = s.by
	return s.Conn.SetReadDeadline(s.armed) == nil
}

// writeBy bounds a write that waits; zero: none does any more.
func (s *socket) writeBy(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		_ = s.Conn.SetWriteDeadline(t) // a failure shows in Write
	}
}

// interrupt ends all waits, now and later.
func (s *socket) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	_ = s.Conn.SetDeadline(time.Unix(1, 0))
}

// CloseWrite is net.TCPConn's.
func (s *socket) CloseWrite() error {
	if cw, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return errors.ErrUnsupported
}
