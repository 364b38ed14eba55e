package h2

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// piece is how much of an answer is given to net/http at a time, so that it is seen whether the
// client takes it; bytes.
const piece = 32 << 10

// stream is the writer of one request. The client may keep its window shut for ever, which the
// connection below cannot tell: package listen looks at what TCP takes.
type stream struct {
	http.ResponseWriter
	conn *conn

	writing atomic.Bool
	moved   atomic.Int64 // bytes that net/http has taken

	index int // in streams.all; its mu is held, as for progress
	progress
}

// progress is what is known of how fast a client takes an answer.
type progress struct {
	waits    bool
	seen     int64 // bytes
	patience httpx.Patience
}

// late accounts for the time since the last look. writing: the client was waited for. moved is how
// many bytes it has taken up to now.
func (p *progress) late(pace httpx.Pace, since time.Duration, writing bool, moved int64) bool {
	switch {
	case !writing || pace.Silence <= 0:
		p.waits = false
	case !p.waits:
		p.waits = true
		p.patience.Begin(pace)
	case !p.patience.Spend(since, moved-p.seen):
		p.waits = false
		return true
	}
	p.seen = moved
	return false
}

// clear prepares s for another request.
func (s *stream) clear() {
	s.ResponseWriter, s.conn, s.progress = nil, nil, progress{}
	s.moved.Store(0)
}

// Unwrap is for http.ResponseController.
func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// WriteHeader is http.ResponseWriter's. An answer that would end a connection of HTTP/1.1, because
// the rest of a body may come, ends its stream alone: net/http would take the field for a GOAWAY.
func (s *stream) WriteHeader(status int) {
	delete(s.Header(), "Connection")
	if status >= 200 {
		s.untyped()
	}
	s.ResponseWriter.WriteHeader(status)
}

// untyped keeps net/http from guessing a Content-Type, as the other ways in do not.
func (s *stream) untyped() {
	if h := s.Header(); h["Content-Type"] == nil {
		h["Content-Type"] = nil
	}
}

// Write is http.ResponseWriter's.
func (s *stream) Write(p []byte) (n int, err error) {
	if s.moved.Load() == 0 {
		s.untyped()
	}
	s.writing.Store(true)
	for {
		m, err := s.ResponseWriter.Write(p[n:min(n+piece, len(p))])
		n += m
		s.moved.Add(int64(m))
		if err != nil || n == len(p) {
			s.writing.Store(false)
			return n, err
		}
	}
}

// FlushError is for httpx.Writer.
func (s *stream) FlushError() error {
	s.writing.Store(true)
	err := s.ResponseWriter.(interface{ FlushError() error }).FlushError()
	s.moved.Add(1)
	s.writing.Store(false)
	return err
}

// streams are those whose handlers run. One timer looks at all of them while there are any.
type streams struct {
	pace  func() *httpx.Pace
	slow  func(c *conn)
	tails func(pace httpx.Pace, since time.Duration) (any bool) // looks at streams without handlers

	mu     sync.Mutex
	all    []*stream
	timer  *time.Timer
	set    bool
	looked time.Time
	ended  bool
}

func (l *streams) add(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.index = len(l.all)
	l.all = append(l.all, s)
	l.start()
}

func (l *streams) remove(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := len(l.all) - 1
	l.all[s.index] = l.all[last]
	l.all[s.index].index = s.index
	l.all[last] = nil
	l.all = l.all[:last]
}

// start sets the timer unless it is set. mu is held.
func (l *streams) start() {
	if l.set || l.ended {
		return
	}
	l.set = true
	if l.timer == nil {
		l.timer = time.AfterFunc(l.tick(), l.look)
	} else {
		l.timer.Reset(l.tick())
	}
	l.looked = time.Now()
}

func (l *streams) tick() time.Duration {
	if d := l.pace().Silence; d > 0 {
		return min(max(d/4, 5*time.Millisecond), time.Second)
	}
	return time.Second
}

// look resets the streams whose clients are too slow. It runs on the timer's goroutine.
func (l *streams) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, pace := time.Now(), *l.pace()
	for _, s := range l.all {
		if s.late(pace, now.Sub(l.looked), s.writing.Load(), s.moved.Load()) {
			l.slow(s.conn)
			// The handler has not returned: it has to wait for mu before.
			_ = http.NewResponseController(s.ResponseWriter).SetWriteDeadline(time.Unix(1, 0))
		}
	}
	any := l.tails(pace, now.Sub(l.looked))
	if l.set = false; any || len(l.all) > 0 {
		l.start()
	}
}

func (l *streams) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if l.timer != nil {
		l.timer.Stop()
	}
}

// tails ends connections whose clients do not take the ends of answers whose handlers have returned:
// package listen sees what TCP takes, and not a window that stays shut. any: there are such streams,
// or may soon be.
func (s *Server) tails(pace httpx.Pace, since time.Duration) (any bool) {
	s.mu.Lock()
	var stuck []*conn
	for c := range s.conns {
		busy := !c.idle.Load()
		any = any || busy
		if c.tail.late(pace, since, busy && c.running.Load() == 0, c.tally.bytes.Load()) {
			stuck = append(stuck, c)
		}
	}
	s.mu.Unlock()
	for _, c := range stuck {
		c.end("send_timeout")
		_ = c.Conn.Close()
	}
	return any
}
