package uwsgi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/shim/wire"
)

// conn is one connection, and the one request on it.
type conn struct {
	link    *listen.Conn
	srv     *Server
	scratch *scratch
	got     int // bytes in scratch.in

	mu      sync.Mutex
	waiting bool // no byte of the packet has come

	cancel context.CancelFunc // of the request, once there is one
	body   *body.Sized        // nil: none
	w      writer
}

// Disconnected ends the request, whose client has left.
func (c *conn) Disconnected(error) { c.cancel() }

// scratch is memory that one connection after the other uses.
type scratch struct {
	in         []byte
	out, spare []byte
	names      []string // of a response's fields
	vars       []wire.Var
}

// firstRead is enough for nearly every packet; bytes.
const firstRead = 8 << 10

var scratches = sync.Pool{New: func() any {
	return &scratch{in: make([]byte, firstRead), out: make([]byte, 0, outSize+512), spare: make([]byte, 0, outSize+512)}
}}

func newConn(s *Server, nc *listen.Conn) *conn {
	nc.NoHalfClose = true
	return &conn{link: nc, srv: s, scratch: scratches.Get().(*scratch)}
}

func (c *conn) free() {
	k := c.scratch
	if k == nil {
		return
	}
	c.scratch = nil
	if len(k.in) > firstRead {
		k.in = make([]byte, firstRead)
	}
	clear(k.vars)
	scratches.Put(k)
}

// await bounds the wait for the packet.
func (c *conn) await(limit time.Duration, stopping bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = true
	if stopping {
		limit = c.srv.lastMoment
	}
	if limit > 0 {
		c.link.ReadBy(time.Now().Add(limit))
	}
}

// hurry is called when the server stops.
func (c *conn) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting {
		c.link.ReadBy(time.Now().Add(c.srv.lastMoment))
	}
}

// came is called when the packet begins to come, and when it has come.
func (c *conn) came(deadline time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting || deadline.IsZero() {
		c.waiting = false
		c.link.ReadBy(deadline)
	}
}

// serve is the life of a connection.
func (c *conn) serve() {
	defer c.srv.remove(c)
	defer c.free()
	defer c.link.Close()
	head, err := c.readHeader()
	if err != nil {
		c.early(headerSize, err)
		return
	}
	switch {
	case head.modifier1 == modifierPing:
		_, _ = c.link.Write(pong)
		return
	case head.modifier1 != modifierWSGI:
		name := modifierName(head.modifier1)
		pairs := []any{"modifier1", head.modifier1, "asks_for", name}
		if advice := modifierAdvice(head.modifier1); advice != "" {
			pairs = append(pairs, "message", "A packet on a uwsgi address is not a request: "+advice+".")
		}
		c.logRefused("modifier1 "+name, pairs...)
		return
	case head.size > c.srv.o.MaxHead:
		c.refuse(http.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("%d bytes of variables; max_head is %d", head.size, c.srv.o.MaxHead))
		return
	}
	p, err := c.readVars(head.size)
	if err != nil {
		c.early(headerSize+head.size, err)
		return
	}
	r, gateway, err := c.request(p)
	if err != nil {
		status := http.StatusBadRequest
		if err == errTooMany {
			status = http.StatusRequestHeaderFieldsTooLarge
		}
		c.refuse(status, err.Error())
		return
	}
	c.came(time.Time{})
	c.answer(r, gateway)
}

// early reports a packet that ends before its end. A peer that sends nothing checks the port.
func (c *conn) early(size int, err error) {
	if c.got > 0 && !errors.Is(err, net.ErrClosed) {
		c.logRefused("the packet ends early", "error", fmt.Sprintf("the packet is broken: %d of %d bytes came: %v", c.got, size, err))
	}
}

// readHeader reads four bytes, and the bytes that come with them.
func (c *conn) readHeader() (header, error) {
	deadline := time.Time{}
	if c.srv.o.HeaderTimeout > 0 {
		deadline = time.Now().Add(c.srv.o.HeaderTimeout)
	}
	for c.got < headerSize {
		n, err := c.link.Read(c.scratch.in[c.got:])
		c.got += n
		if c.got >= headerSize {
			break
		}
		if err != nil {
			return header{}, err
		}
		c.came(deadline)
	}
	head := parseHeader(c.scratch.in)
	if c.got < headerSize+head.size {
		c.came(deadline)
	}
	return head, nil
}

// readVars reads size bytes after the header. Further bytes belong to the body.
func (c *conn) readVars(size int) ([]byte, error) {
	end := headerSize + size
	if len(c.scratch.in) < end {
		in := make([]byte, end)
		copy(in, c.scratch.in[:c.got])
		c.scratch.in = in
	}
	for c.got < end {
		n, err := c.link.Read(c.scratch.in[c.got:])
		c.got += n
		if err != nil && c.got < end {
			return nil, err
		}
	}
	return c.scratch.in[headerSize:end], nil
}

// request makes the request from its variables.
func (c *conn) request(p []byte) (*http.Request, *cgi.Gateway, error) {
	var err error
	if c.scratch.vars, err = parseVars(c.scratch.vars[:0], p); err != nil {
		return nil, nil, err
	}
	r, gateway, err := cgi.Request(c.scratch.vars)
	if err != nil {
		return nil, nil, err
	}
	r.RemoteAddr = c.link.RemoteAddr().String()
	r.Body = http.NoBody
	if r.ContentLength > 0 {
		c.body = body.NewSized(c.link, c.scratch.in[headerSize+len(p):c.got], r.ContentLength, func() { c.link.WatchRequest(c) })
		r.Body = c.body
	}
	var ctx context.Context
	ctx, c.cancel = context.WithCancel(context.Background())
	return r.WithContext(ctx), gateway, nil
}

// answer runs the handler.
func (c *conn) answer(r *http.Request, gateway *cgi.Gateway) {
	c.w = writer{c: c, r: r, gateway: gateway, out: c.scratch.out[:0], header: make(http.Header, 8), declared: -1}
	if r.Body == http.NoBody {
		c.link.WatchRequest(c)
	}
	whole := c.run(r)
	c.link.EndRequest()
	c.cancel()
	if whole {
		whole = c.w.finish() == nil
	}
	c.scratch.out = c.w.out[:0]
	if !whole {
		c.cut()
	} else if c.body != nil && c.body.Left() > 0 {
		c.link.LingeringClose()
	}
}

// run runs the handler and reports whether the response is complete.
func (c *conn) run(r *http.Request) (whole bool) {
	defer func() {
		if p := recover(); p != nil {
			c.srv.log.Error("panic", "method", r.Method, "target", r.RequestURI, "error", fmt.Sprint(p), "traceback", string(debug.Stack()))
		}
	}()
	rec := writers.Get().(*httpx.Writer)
	rec.Reset(&c.w)
	e := httpx.EndsOf(r.RemoteAddr, c.link.LocalAddr())
	rec.Info.Met(time.Now(), &e)
	rec.Info.Relayed = true
	c.srv.h.ServeHTTP(rec, r)
	whole = !rec.Aborted()
	rec.Reset(nil)
	writers.Put(rec)
	return whole
}

var writers = sync.Pool{New: func() any { return new(httpx.Writer) }}

// cut ends the connection so that the peer can tell that the response is not complete: by a
// reset. A unix socket has none.
func (c *conn) cut() {
	if !c.resets() {
		if c.w.sent && c.srv.cutUnseen.Allow("", time.Now()) {
			c.srv.log.Warn("uwsgi_cut_unseen", "method", c.w.r.Method, "target", c.w.r.RequestURI, "message",
				"A response was cut off, and over a unix socket the server in front takes it for complete. Over TCP (uwsgi://127.0.0.1:PORT) it can tell (logged once a minute).")
		}
		return
	}
	if c.w.sent {
		time.Sleep(takeTime)
	}
	_ = c.link.SetLinger(0)
}

// takeTime is the time that the peer has to read the part of a response that was sent before
// a reset, which would discard it: nginx and Apache forward the part and close. A peer that is
// slower answers 502, which tells its client as well.
const takeTime = 50 * time.Millisecond

// resets reports whether the connection can end in a reset.
func (c *conn) resets() bool { return c.link.RemoteAddr().Network() != "unix" }

// refuse answers a packet that is not a request.
func (c *conn) refuse(status int, reason string) {
	c.logRefused(reason, "status", status, "error", reason)
	c.srv.o.Refused(c.link.RemoteAddr().String(), status)
	text := http.StatusText(status)
	if _, err := fmt.Fprintf(c.link, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s\n", status, text, len(text)+1, text); err == nil {
		c.link.LingeringClose()
	}
}

// logRefused writes a record, at most once a minute for the same reason from the same address.
func (c *conn) logRefused(reason string, pairs ...any) {
	peer, _, err := net.SplitHostPort(c.link.RemoteAddr().String())
	if err != nil {
		peer = "unix"
	}
	if c.srv.refused.Allow(peer+" "+reason, time.Now()) {
		c.srv.log.Warn("uwsgi_refused", append([]any{"peer", peer}, pairs...)...)
	}
}
