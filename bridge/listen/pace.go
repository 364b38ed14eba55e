package server

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Limits bound how slow clients may be. They may change while the server runs.
type Limits struct {
	// Send is how slow a client may take an answer that waits for it, whatever has made
	// the answer.
	Send httpx.Pace
	// Tunnel is how long an upgraded connection may be silent in both directions; 0: no
	// limit.
	Tunnel time.Duration
}

// conns are the open connections. One timer looks at all of them while there are any: a
// deadline for each write would cost every answer two timers, and could not tell a slow
// client from one that takes nothing.
type conns struct {
	limits atomic.Pointer[Limits]
	slow   func(c *conn, why string) // is told of a connection that is ended

	mu    sync.Mutex
	all   map[*conn]struct{}
	timer *time.Timer // nil: there has been no connection yet
	runs  bool        // the timer is set
}

func (s *conns) add(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[*conn]struct{})
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

func (s *conns) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, c)
}

func (s *conns) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// list is what is open now.
func (s *conns) list() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*conn, 0, len(s.all))
	for c := range s.all {
		list = append(list, c)
	}
	return list
}

// tick is how often connections are looked at: once a second, or more often where a
// limit is short.
func (s *conns) tick() time.Duration {
	d, l := time.Second, s.limits.Load()
	for _, limit := range []time.Duration{l.Send.Silence, l.Tunnel} {
		if limit > 0 {
			d = min(d, max(limit/4, 5*time.Millisecond))
		}
	}
	return d
}

// look runs on the timer's goroutine. Nothing in it waits for a client.
func (s *conns) look() {
	limits := s.limits.Load()
	now := time.Now()
	s.mu.Lock()
	var late []*conn
	var why []string
	for c := range s.all {
		if reason := c.pace.look(c, limits, now); reason != "" {
			late, why = append(late, c), append(why, reason)
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

// pace is what is known of a client's. The first part is written by the goroutine that serves the
// connection, the second by look alone.
type pace struct {
	writing  atomic.Int32 // writes under way
	over     atomic.Bool  // the client was too slow: nothing is written any more
	upgraded atomic.Bool
	written  atomic.Int64 // bytes that the system has taken
	moved    atomic.Int64 // bytes in both directions, since upgraded

	waits    bool  // the last look has found a write under way
	taken    int64 // bytes, at the last look
	looked   time.Time
	patience httpx.Patience
	seen     int64     // of moved
	active   time.Time // when moved was another one; zero: not upgraded yet
}

// begin says that a write begins; false: none may.
func (p *pace) begin() bool {
	p.writing.Add(1)
	if p.over.Load() {
		p.writing.Add(-1)
		return false
	}
	return true
}

func (p *pace) end() { p.writing.Add(-1) }

func (p *pace) wrote(n int) {
	p.written.Add(int64(n))
	if p.upgraded.Load() {
		p.moved.Add(int64(n))
	}
}

func (p *pace) read(n int) {
	if p.upgraded.Load() {
		p.moved.Add(int64(n))
	}
}

func (p *pace) tooSlow() bool { return p.over.Load() }

// look ends what is too slow, and says why; empty: nothing is.
func (p *pace) look(c *conn, limits *Limits, now time.Time) string {
	if p.upgraded.Load() && limits.Tunnel > 0 {
		if moved := p.moved.Load(); moved != p.seen || p.active.IsZero() {
			p.seen, p.active = moved, now
		} else if now.Sub(p.active) >= limits.Tunnel {
			p.active = now // once
			p.stop(c)
			return "silent for tunnel_timeout"
		}
	}
	if limits.Send.Silence <= 0 || p.writing.Load() == 0 || p.over.Load() {
		p.waits = false
		return ""
	}
	left, known := unsent(c.Conn)
	taken, exact := acked(c.Conn)
	if !exact {
		taken = p.written.Load() - int64(left)
	}
	switch {
	case known && left == 0: // it has all that there is: sendfile waits for the file
		p.waits = false
		return ""
	case !p.waits:
		p.waits = true
		p.patience.Begin(limits.Send)
	default:
		moved := taken - p.taken
		if !exact && moved != 0 { // something has moved, and it is not known how much
			moved = math.MaxInt64
		}
		if !p.patience.Spend(now.Sub(p.looked), moved) {
			// What the client has not taken by now would hold memory for minutes more.
			c.reset()
			p.stop(c)
			return "did not take its answer within send_timeout and min_rate"
		}
	}
	p.taken, p.looked = taken, now
	return ""
}

// stop has what is being written and read fail, so that the goroutine that serves the connection
// closes it.
func (p *pace) stop(c *conn) {
	p.over.Store(true)
	_ = c.Conn.SetDeadline(time.Unix(1, 0))
}
