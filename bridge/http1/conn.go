package http1

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/bridge/cpu"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
)

// conn is one connection. Its goroutine reads one request after the other and runs the
// handler. Between two requests it holds no buffer.
type conn struct {
	link link
	srv  *Server
	s    *scratch // nil: between two requests

	raw     syscall.RawConn // nil: the connection cannot be waited for without a buffer
	ready   func(fd uintptr) bool
	readErr error  // of ready
	waits   waiter // nil: likewise, or raw does it

	ends         httpx.Ends
	remote       string
	tls          *tls.ConnectionState // nil: plain
	front        *listen.Header       // nil: no PROXY header
	served       int                  // requests
	warm         bool                 // the goroutine has served a request
	since        time.Time            // when the wait for a request began
	mu           sync.Mutex
	idle         bool                           // it waits for a request, of which no byte has come
	woken        bool                           // the wait was ended by wake
	opening      bool                           // begin waits for a PROXY header
	ctx          atomic.Pointer[requestContext] // of the request that a handler has; nil: none
	last         atomic.Bool                    // it ends after the current answer
	owed         bool                           // the client may still be sending what is not read
	given        bool                           // a handler has taken it (Hijack)
	deadline     readDeadline
	writeLimited bool // SetWriteDeadline was called
}

// scratch is the memory of one request; it is used again.
type scratch struct {
	in     input
	scan   scanner
	head   head
	req    request
	answer writer
	rec    httpx.Writer
}

var scratches = sync.Pool{New: func() any {
	return &scratch{in: input{buf: make([]byte, firstBuffer)}, answer: writer{out: sender{buf: make([]byte, 0, gather+1024), body: make([]byte, 0, gather)}}}
}}

// maxKept is the size up to which a buffer is kept for the next request; bytes.
const maxKept = 64 << 10

func (s *scratch) free() {
	s.in = input{buf: s.in.buf}
	if len(s.in.buf) > firstBuffer {
		s.in.buf = make([]byte, firstBuffer)
	}
	if cap(s.answer.out.buf) > maxKept {
		s.answer.out.buf = make([]byte, 0, gather+1024)
	}
	s.scan = scanner{}
	s.head = head{fields: s.head.fields[:0]}
	s.req.free()
	s.rec.Reset(nil)
	s.answer.c = nil
	s.answer.out.link = nil
	s.answer.head.begin()
	scratches.Put(s)
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{link: linkOf(nc), srv: s}
	initWait(c, nc)
	c.waits, _ = nc.(waiter)
	switch t := nc.(type) {
	case secured:
		c.tls, c.ends.TLS, c.ends.Extra, c.ends.Alt = t.State(), true, t.Variables(), t.Alternative()
	case *listen.Conn:
		c.front = t.Header
	}
	return c
}

// begin reads what is in front of the first request: a PROXY header. false: the connection ends.
func begin(c *conn) bool {
	if c.front == nil || c.served > 0 {
		return true
	}
	c.mu.Lock()
	c.opening = true
	if limit := c.srv.o.HeaderTimeout; limit > 0 {
		c.link.ReadBy(time.Now().Add(limit))
	}
	c.mu.Unlock()
	if c.srv.closing.Load() {
		c.wake()
	}
	err := c.front.Take()
	c.mu.Lock()
	c.opening = false
	c.mu.Unlock()
	if err != nil {
		return false
	}
	c.ends.TLS, c.ends.Extra = c.front.TLS(), c.front.Variables()
	return true
}

// errCool: the connection has been idle for coolAfter.
var errCool = errors.New("the connection is idle")

// serve is the life of the connection. It returns when the connection is closed, or is a
// handler's, or when another goroutine serves it on, which stay forbids.
func (c *conn) serve(stay bool) {
	for open := begin(c); open; {
		err := c.await()
		switch {
		case err == errCool && stay:
			continue
		case err == errCool:
			go c.serve(false) // on a small stack: the one of this goroutine has grown
			return
		}
		if err != nil || !c.next() {
			break
		}
	}
	defer c.srv.remove(c)
	if c.given {
		return
	}
	if c.s != nil {
		c.s.free()
		c.s = nil
	}
	if c.owed && !c.srv.closed.Load() {
		_ = c.link.LingeringClose()
	} else {
		c.link.Close()
	}
}

// next answers the request of which bytes have come. It reports whether the connection may
// take another one.
func (c *conn) next() bool {
	c.warm = true
	bad, err := c.readHead()
	if err == errHTTP2 {
		toHTTP2(c)
		return false
	}
	if err != nil {
		return false
	}
	if bad == nil {
		bad = c.answer()
	}
	if bad != nil {
		c.refuse(bad)
	}
	return !c.given && !c.last.Load()
}

// coolAfter is how long a connection is idle before a goroutine with a small stack waits for
// its next request.
const coolAfter = 250 * time.Millisecond

// limit is how long await may wait, and whether it then returns errCool; 0: for ever.
func (c *conn) limit(now time.Time) (at time.Time, cools bool) {
	limit := c.srv.o.IdleTimeout
	if c.served == 0 {
		limit = c.srv.o.HeaderTimeout
	}
	switch {
	case c.served > 0 && c.warm:
		c.since = now
		if limit == 0 || limit > 2*coolAfter {
			return now.Add(coolAfter), true
		}
	case c.served == 0:
		c.since = now
	}
	if limit > 0 {
		at = c.since.Add(limit)
	}
	return at, false
}

// await returns when bytes of the next request are there, or with the reason why none
// will come.
func (c *conn) await() error {
	if c.s != nil {
		if len(c.s.in.buffered()) > 0 {
			return nil
		}
		c.s.free()
		c.s = nil
	}
	at, cools := c.limit(time.Now())
	c.link.ReadBy(at)
	c.mu.Lock()
	c.idle, c.woken = true, false
	c.mu.Unlock()
	if c.srv.closing.Load() {
		c.wake()
	}
	cpu.Yield(cpu.Unknown) // then the next request may be there
	err := c.first()
	c.mu.Lock()
	woken := c.woken
	c.idle = false
	c.mu.Unlock()
	switch {
	case woken:
		_ = c.link.SetReadDeadline(time.Time{})
		if isTimeout(err) {
			err = c.lastLook()
		}
	case cools && isTimeout(err):
		c.warm = false
		return errCool
	}
	if err == nil {
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
	switch {
	case c.opening:
		c.link.ReadBy(time.Now().Add(lastMoment))
	case c.idle && !c.woken:
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
	switch {
	case c.served == 0:
		at = at.Add(lastMoment)
	case c.raw == nil: // there is no look behind the deadline
		at = at.Add(lastMoment / 4)
	default:
		at = at.Add(time.Millisecond)
	}
	_ = c.link.SetReadDeadline(at)
	err := c.first()
	_ = c.link.SetReadDeadline(time.Time{})
	if isTimeout(err) && glance(c) { // on a busy machine the deadline overtakes bytes that came before it
		err = c.readErr
	}
	return err
}

// firstBuffered is first for a connection that cannot be waited for without a buffer.
func (c *conn) firstBuffered() error {
	if c.waits != nil && !c.warm {
		if err := c.waits.WaitRead(); err != nil {
			return err
		}
	}
	s := scratches.Get().(*scratch)
	s.in.conn = c.link
	if err := s.in.fill(); err != nil {
		s.free()
		return err
	}
	c.s = s
	return nil
}

// readHead reads the rest of the head, of which a part has come. err: the connection ends
// without an answer.
func (c *conn) readHead() (bad *Refusal, err error) {
	s := c.s
	in := &s.in
	s.scan = scanner{}
	s.head = head{fields: s.head.fields[:0]}
	blank, limited := false, false
	for {
		b := in.buffered()
		if c.srv.o.HTTP2 != nil && c.served == 0 && len(b) >= len(preface) && string(b[:len(preface)]) == preface {
			return nil, errHTTP2
		}
		if !blank && len(b) >= 2 && b[0] == '\r' && b[1] == '\n' { // RFC 9112 2.2
			in.take(2)
			blank = true
			continue
		}
		if len(b) > 0 && (blank || b[0] != '\r' || len(b) >= 2) {
			if done, bad := s.parseHead(b, &c.srv.lim); done {
				if limited {
					c.link.ReadBy(time.Time{})
				}
				return bad, nil
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

// parseHead parses the head in b once it is complete.
func (s *scratch) parseHead(b []byte, lim *limits) (done bool, bad *Refusal) {
	n, bad := s.scan.end(b)
	switch {
	case bad != nil:
		return true, bad
	case n > lim.head:
		return true, errLargeHead
	case n > 0:
		bad = s.head.parse(b[:n], lim)
		s.in.take(n)
		return true, bad
	case s.scan.line == 0 && len(b) > lim.target+maxMethod:
		return true, errLongTarget
	case len(b) > lim.head:
		return true, errLargeHead
	}
	return false, nil
}

// preface is the begin of an HTTP/2 connection (RFC 9113 3.4).
const preface = "PRI * HTTP/2.0\r\n"

var errHTTP2 = errors.New("the connection speaks HTTP/2")

// maxMethod bounds a method, and what a request line may have beside its target; bytes.
const maxMethod = 64

var (
	errSlowHead = refuse(408, "header_timeout", "the head of the request did not come within header_timeout")
	errCutHead  = refuse(400, "cut_head", "the client ended the connection within the head of the request")
)
