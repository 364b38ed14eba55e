package wsgi

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// mortal gives each request a worker of its own; the first of them die in the
// middle of it.
type mortal struct {
	t      *testing.T
	deaths int // so many die
	fate   shim.Fate
	begun  bool // they die after the head of their answer

	mu   sync.Mutex
	runs []map[string]string // what each worker was given
}

func (m *mortal) Admit() error { return nil }

func (m *mortal) Acquire(_ context.Context, l shim.Label) (*shim.Exchange, error) {
	m.mu.Lock()
	dies := m.deaths > 0
	m.deaths--
	m.mu.Unlock()
	var p *pool
	p = newPool(m.t, func(r *shimtest.Request, peer *shimtest.Peer) {
		m.mu.Lock()
		m.runs = append(m.runs, r.Vars)
		m.mu.Unlock()
		if !dies {
			_ = peer.Answer(r.Stream, "200 OK", "second")
			return
		}
		if m.begun {
			_ = peer.Head(r.Stream, "200 OK", "begun", false)
		}
		p.dies(m.fate)
		peer.Close()
	})
	return p.conn.Open(l)
}

func TestRetry(t *testing.T) {
	outside, own := shim.Fate{Why: "killed from outside"}, shim.Fate{ByItself: true, Why: "it crashed"}
	for name, c := range map[string]struct {
		method string
		deaths int
		fate   shim.Fate
		begun  bool
		never  bool
		status int
		runs   int
	}{
		"a GET, killed from outside":    {"GET", 1, outside, false, false, 200, 2},
		"an OPTIONS":                    {"OPTIONS", 1, outside, false, false, 200, 2},
		"a POST":                        {"POST", 1, outside, false, false, 502, 1},
		"a DELETE":                      {"DELETE", 1, outside, false, false, 502, 1},
		"a GET that crashed its worker": {"GET", 1, own, false, false, 502, 1},
		"a GET that is killed twice":    {"GET", 2, outside, false, false, 502, 2},
		"a GET with retry = never":      {"GET", 1, outside, false, true, 502, 1},
		"a GET whose answer had begun":  {"GET", 1, outside, true, false, 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := &mortal{t: t, deaths: c.deaths, fate: c.fate, begun: c.begun}
			g := newRig(t, nil, func(o *Options) { o.Pool = m; o.NoRetry = c.never })
			a := g.raw(c.method, c.method+" / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			if a.status != c.status || len(m.runs) != c.runs {
				t.Fatalf("%d %q after %d runs, want %d after %d", a.status, a.body, len(m.runs), c.status, c.runs)
			}
			if c.begun && a.err == nil {
				t.Error("an answer that was cut off looks whole")
			}
			for i, vars := range m.runs {
				if want := strings.Repeat("2", i); vars["standpipe.attempt"] != want {
					t.Errorf("run %d has standpipe.attempt %q", i+1, vars["standpipe.attempt"])
				}
			}
			if n := g.logs.count("request_retried"); n != c.runs-1 {
				t.Errorf("%d records of a retry", n)
			}
			if n := g.seen().info; n.Retries != c.runs-1 || n.Recalls != 0 {
				t.Errorf("noted are %d retries, %d recalls", n.Retries, n.Recalls)
			}
		})
	}
}

// leaver's first workers leave between Acquire and the request.
type leaver struct {
	t     *testing.T
	leave int
}

func (l *leaver) Admit() error { return nil }

func (l *leaver) Acquire(_ context.Context, label shim.Label) (*shim.Exchange, error) {
	p := newPool(l.t, func(r *shimtest.Request, peer *shimtest.Peer) { _ = peer.Answer(r.Stream, "200 OK", "here") })
	x, err := p.conn.Open(label)
	if l.leave--; err == nil && l.leave >= 0 {
		p.conn.Close()
	}
	return x, err
}

// What a worker had not begun with goes to the next one, a POST too, and is noted with
// its body.
func TestRecall(t *testing.T) {
	g := newRig(t, nil, func(o *Options) { o.Pool = &leaver{t, 2} })
	a := g.raw("POST", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
	if n := g.seen().info; a.status != 200 || n.Recalls != 2 || n.Retries != 0 || n.Received != 3 || n.Receive <= 0 {
		t.Errorf("%d %q; %+v", a.status, a.body, n)
	}
}

// giver gives a request back so many times, then its workers leave.
type giver struct {
	leaver
	back int
	seen []int // the attempts
}

func (g *giver) Acquire(ctx context.Context, label shim.Label) (*shim.Exchange, error) {
	g.seen = append(g.seen, label.Attempt)
	if g.back--; g.back >= 0 {
		return nil, fmt.Errorf("shop/1: %w", shim.ErrRecalled)
	}
	return g.leaver.Acquire(ctx, label)
}

// A worker that gives the request back has not left: only those that leave are
// counted against the request.
func TestRecallsAreNoTries(t *testing.T) {
	for leave, want := range map[int]int{0: 200, 2: 200, 3: 503} {
		p := &giver{leaver{t, leave}, 5, nil}
		g := newRig(t, nil, func(o *Options) { o.Pool = p })
		a := g.raw("POST", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
		n := g.seen().info
		if a.status != want || n.Recalls != 5+min(leave, 2) || n.Retries != 0 {
			t.Errorf("%d leave: %d, %d recalls, want %d", leave, a.status, n.Recalls, want)
		}
		if last := p.seen[len(p.seen)-1]; last != len(p.seen) || last != 1+n.Recalls {
			t.Errorf("%d leave: attempts %v", leave, p.seen)
		}
	}
}

// A busy worker that gives a request back, or dies behind another one, has had nothing of
// its body: the next worker gets all of it.
func TestStreamedBodySurvivesARecall(t *testing.T) {
	gate := make(chan bool)
	defer close(gate)
	busy := newPool(t, func(*shimtest.Request, *shimtest.Peer) { <-gate })
	busy.peer.Recall = func(streams []uint32) ([]uint32, bool) { return streams, false }
	<-busy.hello
	if err := busy.conn.Boot(&wire.Boot{Threads: 1}); err != nil {
		t.Fatal(err)
	}
	first, err := busy.conn.Open(shim.Label{Method: "GET"})
	if err == nil {
		err = first.Send(nil, nil, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &second{first: busy, then: newPool(t, hello)}
	g := newStreamRig(t, nil, func(o *Options) { o.Pool = p })
	if a := g.raw("POST", uploadOf("/p", 200_000)); a.body != "POST /p 200000 200000" || p.asked != 2 {
		t.Errorf("%s%s, %d attempts", a.head, a.body, p.asked)
	}
	if n := g.seen().info; n.Recalls != 1 {
		t.Errorf("%+v", n)
	}
	first.Close(0)
}

// second gives the first request to one worker, and those that follow to another.
type second struct {
	first, then *pool
	asked       int
}

func (s *second) Admit() error { return nil }

func (s *second) Acquire(_ context.Context, l shim.Label) (*shim.Exchange, error) {
	s.asked++
	if s.asked == 1 {
		return s.first.conn.Open(l)
	}
	return s.then.conn.Open(l)
}
