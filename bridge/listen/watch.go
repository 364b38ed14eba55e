package listen

import (
	"math"
	"net"
	"net/netip"
	"slices"
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
	// PerClient bounds the open connections of one client: an IPv4 address, or the /64 of
	// an IPv6 address. Further ones are closed at once. 0: no limit. Connections that were
	// opened while there was none do not count.
	PerClient int
	// Unlimited reports addresses for which PerClient does not hold, because other clients
	// are behind them; nil: there are none. Unix sockets have no limit anyway.
	Unlimited func(netip.Addr) bool
	// Trusted reports peers from which a PROXY header is taken; an invalid address means a unix
	// socket. nil: from none.
	Trusted func(netip.Addr) bool
	// Denied reports clients whose connections are closed at once, and records them; at is the listener's address, or nil for
	// a connection over UDP. nil: there are none. Unix sockets are not asked about.
	Denied func(at net.Addr, client netip.Addr) bool
}

// watch are the open connections. One timer looks at all of them while there are any: a
// deadline for each write would cost every answer two timers, and could not tell a slow
// client from one that takes nothing.
type watch struct {
	limits atomic.Pointer[Limits]
	slow   func(c *Conn, why reason) // is called for each connection that is ended

	next atomic.Int64 // the moment of the next look; 0: the timer is not set

	mu     sync.Mutex
	all    []*Conn
	timer  *time.Timer     // nil: there has been no connection yet
	looked moment          // the last look
	waiter []chan struct{} // closed when no connection is left
}

func (s *watch) add(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.index = len(s.all)
	s.all = append(s.all, c)
	if s.next.Load() == 0 {
		s.set(momentOf(time.Now()), s.tick())
	}
}

// set sets the timer. mu is held.
func (s *watch) set(now moment, after time.Duration) {
	s.next.Store(now + moment(after))
	if s.timer == nil {
		s.timer = time.AfterFunc(after, s.look)
	} else {
		s.timer.Reset(after)
	}
}

// sooner has the next look come at the moment at, if that is not too soon after the last.
func (s *watch) sooner(at moment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = max(at, s.looked+moment(s.gap()))
	if at < s.next.Load() {
		now := momentOf(time.Now())
		s.set(now, time.Duration(max(at-now, 0)))
	}
}

// gap is the least time between two looks. It bounds what they cost. mu is held.
func (s *watch) gap() time.Duration {
	return max(5*time.Millisecond, time.Duration(len(s.all))*20*time.Microsecond)
}

func (s *watch) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.all) - 1
	s.all[c.index] = s.all[last]
	s.all[c.index].index = c.index
	s.all[last] = nil
	s.all = s.all[:last]
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
	return slices.Clone(s.all)
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
	at := momentOf(now)
	s.mu.Lock()
	var late []*Conn
	var why []reason
	sooner := moment(math.MaxInt64)
	for _, c := range s.all {
		if r := c.pace.look(c, limits, now); r != "" {
			late, why = append(late, c), append(why, r)
		}
		sooner = min(sooner, c.reads.look(c, at))
	}
	if s.looked = at; len(s.all) > 0 {
		s.set(at, min(s.tick(), time.Duration(max(sooner-at, moment(max(10*s.gap(), 50*time.Millisecond))))))
	} else {
		s.next.Store(0)
	}
	s.mu.Unlock()
	for i, c := range late {
		s.slow(c, why[i])
	}
}
