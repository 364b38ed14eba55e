package http1

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// conn is one connection. Its goroutine reads one request after the other and runs the
// handler. Between two requests it holds no buffer.
type conn struct {
	link link
	srv  *Server
	s    *scratch // nil: between two requests
	out  *writer  // of s

	raw     syscall.RawConn // nil: the connection cannot be waited for without a buffer
	ready   func(fd uintptr) bool
	readErr error // of ready

	ends         httpx.Ends
	remote       string
	served       int // requests
	mu           sync.Mutex
	idle         bool                           // it waits for a request, of which no byte has come
	woken        bool                           // the wait was ended by wake
	ctx          atomic.Pointer[requestContext] // of the request that a handler has; nil: none
	last         atomic.Bool                    // it ends after the current answer
	owed         bool                           // the client may still be sending what is not read
	given        bool                           // a handler has taken it (Hijack)
	deadline     readDeadline
	writeLimited bool // SetWriteDeadline was called
}

// scratch is the memory of one request; it is used again.
type scratch struct {
	in   input
	scan scanner
	head head
	req  request
	out  writer
	rec  httpx.Writer
}

var scratches = sync.Pool{New: func() any {
	return &scratch{in: input{buf: make([]byte, firstBuffer)}, out: writer{buf: make([]byte, 0, gather+1024), body: make([]byte, 0, gather)}}
}}

// maxKept is the size up to which a buffer is kept for the next request; bytes.
const maxKept = 64 << 10

func (s *scratch) free() {
	s.in = input{buf: s.in.buf}
	if len(s.in.buf) > firstBuffer {
		s.in.buf = make([]byte, firstBuffer)
	}
	if cap(s.out.buf) > maxKept {
		s.out.buf = make([]byte, 0, gather+1024)
	}
	s.scan = scanner{}
	s.head = head{fields: s.head.fields[:0]}
	s.req.free()
	s.rec.Reset(nil)
	s.out.c, s.out.lines = nil, nil
	clear(s.out.header)
	scratches.Put(s)
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{link: linkOf(nc), srv: s}
	c.initWait(nc)
	return c
}

// errOver: the connection ends without an answer.
var errOver = errors.New("the connection is over")

// serve is the life of the connection. It returns when the connection is closed, or is a
// handler's.
func (c *conn) serve() {
	defer c.srv.remove(c)
	for c.await() == nil {
		bad, err := c.readHead()
		if err != nil {
			break
		}
		if bad == nil {
			bad = c.answer()
		}
		if bad != nil {
			c.refuse(bad)
		}
		if c.given {
			return
		}
		if c.last.Load() {
			break
		}
	}
	if c.s != nil {
		c.s.free()
		c.s = nil
	}
	if c.owed && !c.srv.closed.Load() {
		c.link.LingeringClose()
	} else {
		c.link.Close()
	}
}

// await returns when bytes of the next request are there, or with the reason why none
// will come.
func (c *conn) await() error {
	if c.s != nil {
		if len(c.s.in.buffered()) > 0 {
			return nil
		}
		c.s.free()
		c.s, c.out = nil, nil
	}
	limit := c.srv.o.IdleTimeout
	if c.served == 0 {
		limit = c.srv.o.HeaderTimeout
	}
	if limit > 0 {
		c.link.ReadBy(time.Now().Add(limit))
	}
	c.mu.Lock()
	c.idle, c.woken = true, false
	c.mu.Unlock()
	if c.srv.closing.Load() {
		c.wake()
	}
	err := c.first()
	c.mu.Lock()
	woken := c.woken
	c.idle = false
	c.mu.Unlock()
	if woken {
		_ = c.link.SetReadDeadline(time.Time{})
		if isTimeout(err) {
			err = c.lastLook()
		}
	}
	if err == nil && limit > 0 {
		c.link.ReadBy(time.Time{})
	}
	return err
}

// lastMoment is the time that a new connection has to send its first request when the
// server stops.
const lastMoment = 200 * time.Millisecond

// wake ends a wait for a request when the server stops.
func (c *conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle && !c.woken {
		c.woken = true
		_ = c.link.SetReadDeadline(time.Unix(1, 0))
	}
}

// kill closes the connection at once: its handler sees that the client has disconnected.
func (c *conn) kill() {
	c.link.Close()
	if ctx := c.ctx.Load(); ctx != nil {
		ctx.end(true)
	}
}

// lastLook looks once more for a request that the client has begun to send before it could
// know that the server stops.
func (c *conn) lastLook() error {
	at := time.Now()
	if c.served == 0 {
		at = at.Add(lastMoment)
	} else {
		at = at.Add(time.Millisecond)
	}
	_ = c.link.SetReadDeadline(at)
	err := c.first()
	_ = c.link.SetReadDeadline(time.Time{})
	return err
}

// firstBuffered is first for a connection that cannot be waited for without a buffer.
func (c *conn) firstBuffered() error {
	s := scratches.Get().(*scratch)
	s.in.conn = c.link
	if err := s.in.fill(); err != nil {
		s.free()
		return err
	}
	c.s, c.out = s, &s.out
	return nil
}

// readHead reads the rest of the head, of which a part has come. err: the connection ends
// without an answer.
func (c *conn) readHead() (bad *refusal, err error) {
	s, lim := c.s, &c.srv.lim
	in := &s.in
	s.scan = scanner{}
	s.head = head{fields: s.head.fields[:0]}
	blank, limited := false, false
	for {
		b := in.buffered()
		if !blank && len(b) >= 2 && b[0] == '\r' && b[1] == '\n' { // RFC 9112 2.2
			in.take(2)
			blank = true
			continue
		}
		if len(b) > 0 && (blank || b[0] != '\r' || len(b) >= 2) {
			n, bad := s.scan.end(b)
			switch {
			case bad != nil:
				return bad, nil
			case n > lim.head:
				return errLargeHead, nil
			case n > 0:
				if limited {
					c.link.ReadBy(time.Time{})
				}
				bad = s.head.parse(b[:n], lim)
				in.take(n)
				return bad, nil
			case s.scan.line == 0 && len(b) > lim.target+maxMethod:
				return errLongTarget, nil
			case len(b) > lim.head:
				return errLargeHead, nil
			}
		}
		if !limited && c.srv.o.HeaderTimeout > 0 {
			limited = true
			c.link.ReadBy(time.Now().Add(c.srv.o.HeaderTimeout))
		}
		if err := in.fill(); err != nil {
			switch {
			case isTimeout(err) && !(blank && len(in.buffered()) == 0):
				return errSlowHead, nil
			case err == io.EOF && len(in.buffered()) > 0:
				return errCutHead, nil
			}
			return nil, err
		}
	}
}

// maxMethod is the length that a request line may have beside its target; bytes.
const maxMethod = 64

var (
	errSlowHead = refuse(408, "header_timeout", "the head of the request did not come within header_timeout")
	errCutHead  = refuse(400, "cut_head", "the client ended the connection within the head of the request")
)

// prepare sets the scratch to the request that was read.
func (c *conn) prepare() (*http.Request, *refusal) {
	s := c.s
	if c.served++; c.served == 1 {
		c.remote = c.link.RemoteAddr().String()
		c.ends = httpx.EndsOf(c.remote, c.link.LocalAddr())
	}
	s.req.again()
	c.ctx.Store(s.req.ctx)
	r, bad := s.req.fill(&s.head, c.remote)
	s.out.begin(c, s.head.method, s.head.minor, s.head.continues)
	s.rec.Reset(&s.out)
	s.rec.Over(&s.out)
	s.rec.Info.Met(time.Now(), &c.ends, false)
	c.last.Store(s.head.close || s.head.minor == 0 && !s.head.keepAlive || c.srv.leaving.Load() || c.srv.closing.Load() ||
		c.srv.o.MaxRequests > 0 && c.served >= c.srv.o.MaxRequests)
	return r, bad
}

// answer runs the handler for the request that was read.
func (c *conn) answer() *refusal {
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
	c.run(r)
	c.end(b, r)
	return nil
}

// run runs the handler. A panic that it did not recover aborts the answer.
func (c *conn) run(r *http.Request) {
	rec := &c.s.rec
	defer func() {
		if p := recover(); p != nil {
			rec.Abort()
			if p != http.ErrAbortHandler {
				c.srv.log.Error("panic", "id", rec.Info.ID, "method", r.Method, "target", r.RequestURI, "error", fmt.Sprint(p), "traceback", string(debug.Stack()))
			}
		}
	}()
	c.srv.handler.ServeHTTP(rec, r)
}

// What is read of a body that no handler reads, so that the connection can be used again.
const (
	unwantedBytes = 256 << 10
	unwantedTime  = 10 * time.Second
)

// end ends the request: its answer goes out, the rest of its body is read, or the
// connection ends.
func (c *conn) end(b *body, r *http.Request) {
	s := c.s
	rec := &s.rec
	defer c.ctx.Store(nil)
	if c.given {
		s.req.ctx.end(false)
		return
	}
	aborted := rec.Aborted()
	if !aborted && !s.out.finish() {
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
		if rec.Info.Aborted && s.head.minor == 0 && !httpx.Sized(rec) {
			// The end of the connection is the end of the body: a plain close would make half
			// an answer look whole. A unix socket has no resets.
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
		if !c.last.Load() && !c.s.out.expects.Load() {
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
func (c *conn) refuse(bad *refusal) {
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
	s.rec.Info.Err = bad
	c.srv.refused(&s.rec, r, bad)
	s.out.finish()
	s.req.ctx.end(false)
	c.owed = true
	if bad == errCutHead {
		c.owed = false
	}
}

// endsAfter reports whether the connection ends after the answer whose head is being written.
func (c *conn) endsAfter() bool {
	if c.last.Load() {
		return true
	}
	s := c.s
	unread := false
	if b, ok := s.req.http.Body.(*body); ok {
		started, _ := b.started()
		unread = !started && (s.out.expects.Load() || b.left > unwantedBytes)
	}
	if unread || c.srv.leaving.Load() || c.srv.closing.Load() {
		c.last.Store(true)
	}
	return c.last.Load()
}

// bodyRead: the last byte of the request was read.
func (c *conn) bodyRead() { c.link.WatchRequest(c) }

// Disconnected is listen.Disconnecter's.
func (c *conn) Disconnected(error) { c.s.req.ctx.end(true) }

// giveAway makes the connection the handler's.
func (c *conn) giveAway() net.Conn {
	c.given = true
	c.link.EndRequest()
	c.deadline.clear(c.link)
	c.link.Upgraded()
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
