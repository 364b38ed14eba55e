package http1

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
)

// prepare sets the scratch to the request that was read.
func (c *conn) prepare() (*http.Request, *Refusal) {
	s := c.s
	if c.served++; c.served == 1 {
		c.remote = c.link.RemoteAddr().String()
		had := c.ends
		c.ends = httpx.EndsOf(c.remote, c.link.LocalAddr())
		c.ends.TLS, c.ends.Extra, c.ends.Alt = had.TLS, had.Extra, had.Alt
	}
	s.req.again()
	c.ctx.Store(s.req.ctx)
	r, bad := s.req.fill(&s.head, c.remote)
	r.TLS = c.tls
	s.answer.begin(c, s.head.method, s.head.minor, s.head.continues)
	clear(s.answer.header)
	s.rec.Reset(&s.answer)
	s.rec.Over(&s.answer, &s.answer.head)
	s.rec.Info.Met(time.Now(), &c.ends)
	s.rec.Info.OddNames = s.req.odd
	c.ends.Announce(&s.rec.Defaults)
	c.last.Store(s.head.close || s.head.minor == 0 && !s.head.keepAlive || c.srv.leaving.Load() || c.srv.closing.Load() ||
		c.srv.o.MaxRequests > 0 && c.served >= c.srv.o.MaxRequests)
	return r, bad
}

// answer runs the handler for the request that was read.
func (c *conn) answer() *Refusal {
	s := c.s
	r, bad := c.prepare()
	if bad != nil {
		return bad
	}
	var b *body
	if s.head.length != 0 {
		b = newBody(c, &s.in, &s.head, &c.srv.lim)
		r.Body = b
	} else {
		c.link.WatchRequest(c)
	}
	c.run(c.srv.handler, r)
	c.end(b)
	return nil
}

// run runs a handler. A panic that it did not recover aborts the answer.
func (c *conn) run(h http.Handler, r *http.Request) {
	rec := &c.s.rec
	defer func() {
		if p := recover(); p != nil {
			rec.Abort()
			if p != http.ErrAbortHandler {
				c.srv.log.Error("panic", "id", rec.Info.ID, "method", r.Method, "target", r.RequestURI, "error", fmt.Sprint(p), "traceback", string(debug.Stack()))
			}
		}
	}()
	h.ServeHTTP(rec, r)
}

// What is read of a body that no handler reads, so that the connection can be used again.
const (
	unwantedBytes = 256 << 10
	unwantedTime  = 10 * time.Second
)

// end ends the request: its answer goes out, the rest of its body is read, or the
// connection ends.
func (c *conn) end(b *body) {
	s := c.s
	rec := &s.rec
	defer c.ctx.Store(nil)
	if c.given {
		s.req.ctx.end(false)
		return
	}
	aborted := rec.Aborted()
	if !aborted && rec.Status() == 0 && rec.Unwrap() == http.ResponseWriter(&s.answer) {
		rec.WriteHeader(http.StatusOK) // with the fields and lines that rec has
	}
	if !aborted && !s.answer.finish() {
		aborted = true
	}
	if b != nil {
		c.endBody(b, aborted)
	}
	c.link.EndRequest()
	s.req.ctx.end(false)
	c.deadline.clear(c.link)
	if c.writeLimited {
		_ = c.link.SetWriteDeadline(time.Time{})
		c.writeLimited = false
	}
	switch {
	case aborted:
		c.last.Store(true)
		c.owed = false
		if s.answer.endsWithConnection() {
			// A plain close would make half an answer look whole. A unix socket has no resets.
			_ = c.link.SetLinger(0)
		}
	case c.last.Load() && len(s.in.buffered()) > 0:
		c.owed = true // a close with unread bytes is a reset, which can overtake the answer
	}
}

// endBody reads the rest of a small body, so that the next request begins where it should;
// a larger one ends the connection (RFC 9112 9.3).
func (c *conn) endBody(b *body, aborted bool) {
	_, whole := b.started()
	if !whole && !aborted {
		if !c.last.Load() && !c.s.answer.out.expects.Load() {
			_ = c.deadline.set(c.link, time.Now().Add(unwantedTime))
			whole = b.drain(unwantedBytes)
		}
		c.owed = !whole
	}
	if !whole {
		c.last.Store(true)
		_ = c.deadline.set(c.link, time.Unix(1, 0))
	}
	b.end()
}

// refuse answers a request that no handler gets (RFC 9112 2.2, 9.6): what comes after it
// is read and discarded.
func (c *conn) refuse(bad *Refusal) {
	s := c.s
	h := &s.head
	if h.method == "" {
		h.method = "-"
	}
	if h.target == "" {
		h.target = "-"
	}
	if h.proto == "" {
		h.proto, h.minor = "HTTP/1.1", 1
	}
	h.length, h.continues = 0, false
	r, _ := c.prepare()
	c.last.Store(true)
	s.rec.Info.Err, s.rec.Info.Source = bad, "server"
	c.run(c.srv.o.Refused, r)
	s.req.ctx.end(false)
	c.owed = !s.rec.Aborted() && s.answer.finish() && bad != errCutHead
}

// endsAfter reports whether the connection ends after the answer whose head is being written.
func (c *conn) endsAfter() bool {
	if c.last.Load() {
		return true
	}
	s := c.s
	unread := s.answer.out.expects.Load() // a body that was not asked for may come or not
	if b, ok := s.req.http.Body.(*body); ok && s.head.length > unwantedBytes {
		started, _ := b.started()
		unread = unread || !started && !s.rec.Info.BodyWanted
	}
	if unread || c.srv.leaving.Load() || c.srv.closing.Load() {
		c.last.Store(true)
	}
	return c.last.Load()
}

// Disconnected is listen.Disconnecter's.
func (c *conn) Disconnected(error) { c.s.req.ctx.end(true) }

// toHTTP2 gives the connection away until it is closed.
func toHTTP2(c *conn) {
	c.given = true
	c.link.ReadBy(time.Time{})
	nc := net.Conn(&givenConn{c.link, append([]byte(nil), c.s.in.buffered()...)})
	c.s.free()
	c.s = nil
	tls, extra := c.ends.TLS, c.ends.Extra
	c.ends = httpx.EndsOf(c.link.RemoteAddr().String(), c.link.LocalAddr())
	c.ends.TLS, c.ends.Extra = tls, extra
	c.srv.o.HTTP2(nc, &c.ends)
}

// giveAway makes the connection the handler's.
func (c *conn) giveAway() net.Conn {
	c.given = true
	c.link.EndRequest()
	c.deadline.clear(c.link)
	c.link.Upgraded(listen.Tunnel{
		ID: strings.Clone(c.s.rec.Info.ID), Method: strings.Clone(c.s.head.method), Target: strings.Clone(c.s.head.target), Began: time.Now(),
	}, c.kill)
	rest := append([]byte(nil), c.s.in.buffered()...)
	if len(rest) == 0 {
		return c.link
	}
	return &givenConn{c.link, rest}
}

// givenConn is a connection of which some bytes were read already.
type givenConn struct {
	link
	rest []byte
}

func (g *givenConn) Read(p []byte) (int, error) {
	if len(g.rest) > 0 {
		n := copy(p, g.rest)
		g.rest = g.rest[n:]
		return n, nil
	}
	return g.link.Read(p)
}

// CloseWrite is net.TCPConn's.
func (g *givenConn) CloseWrite() error {
	if cw, ok := g.link.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return os.ErrInvalid
}
