package listen

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Limits bound how slow clients may be. They may change while the server runs.
type Limits struct {
	// Send is how slowly a client may take an answer, whichever handler made it.
	Send httpx.Pace
	// Tunnel is how long an upgraded connection may be silent in both directions; 0: no
	// limit.
	Tunnel time.Duration
}

// watch are the open connections. One timer looks at all of them while there are any: a
// deadline for each write would cost every answer two timers, and could not tell a slow
// client from one that takes nothing.
type watch struct {
	limits atomic.Pointer[Limits]
	slow   func(c *Conn, why reason) // is called for each connection that is ended

	mu     sync.Mutex
	all    map[*Conn]struct{}
	timer  *time.Timer     // nil: there has been no connection yet
	runs   bool            // the timer is set
	waiter []chan struct{} // closed when no connection is left
}

func (s *watch) add(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[*Conn]struct{})
	}
	s.all[c] = struct{}{}
	if s.runs {
		return
	}
	s.runs = true
	if s.timer == nil {
		s.timer = time.AfterFunc(s.tick(), s.look)
	} else {
		s.timer.Reset(s.tick())
	}
}

func (s *watch) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, c)
	s.wake()
}

// wake closes the waiters when no connection is left. mu is held.
func (s *watch) wake() {
	if len(s.all) > 0 {
		return
	}
	for _, w := range s.waiter {
		close(w)
	}
	s.waiter = nil
}

// empty returns a channel that is closed when no connection is left.
func (s *watch) empty() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := make(chan struct{})
	s.waiter = append(s.waiter, w)
	s.wake()
	return w
}

func (s *watch) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// list is what is open now.
func (s *watch) list() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Conn, 0, len(s.all))
	for c := range s.all {
		list = append(list, c)
	}
	return list
}

// tick is how often connections are looked at: once a second, or more often where a
// limit is short.
func (s *watch) tick() time.Duration {
	d, l := time.Second, s.limits.Load()
	for _, limit := range []time.Duration{l.Send.Silence, l.Tunnel} {
		if limit > 0 {
			d = min(d, max(limit/4, 5*time.Millisecond))
		}
	}
	return d
}

// look runs on the timer's goroutine. Nothing in it waits for a client.
func (s *watch) look() {
	limits := s.limits.Load()
	now := time.Now()
	s.mu.Lock()
	var late []*Conn
	var why []reason
	for c := range s.all {
		if r := c.pace.look(c, limits, now); r != "" {
			late, why = append(late, c), append(why, r)
		}
	}
	if s.runs = len(s.all) > 0; s.runs {
		s.timer.Reset(s.tick())
	}
	s.mu.Unlock()
	for i, c := range late {
		s.slow(c, why[i])
	}
}
