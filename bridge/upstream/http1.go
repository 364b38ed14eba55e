package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"time"
)

var (
	// errHTTP2: the server has chosen HTTP/2. Nothing was sent.
	errHTTP2 = errors.New("the server has chosen HTTP/2")
	errHead  = fmt.Errorf("the head of the response has more than %d bytes", maxHead)
)

// http1 speaks HTTP/1.1 to one server. It keeps connections, and the server may close any of them at the moment when a request
// is sent. So a connection is looked at before its use, and a request that may run twice (RFC 9110 9.2.2) is sent again, on
// a new connection, when a kept one ends before any byte of a response. Any other request gets a new one, unless the server
// is known to keep connections for much longer (keep.take).
type http1 struct {
	d    Dialer
	name string // what TLS expects in the certificate; empty: no TLS
	pool keep
}

func newHTTP1(d Dialer, o HTTPOptions) *http1 {
	t := &http1{d: d, name: o.TLSName, pool: keep{max: o.Keep, idle: o.IdleTime}}
	if d.SendProxy { // another request may be another client's
		t.pool.max = 0
	}
	return t
}

// conn1 is a connection.
type conn1 struct {
	net.Conn
	socket net.Conn // below TLS
	br     *bufio.Reader
	left   int64 // how many more bytes may be read
	got    bool  // bytes of a response came
	since  time.Time
}

func (c *conn1) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHead
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.got = true
		c.left -= int64(n)
	}
	return n, err
}

// dial makes a connection. h2: the server may choose HTTP/2.
func (t *http1) dial(ctx context.Context, h2 bool) (*conn1, error) {
	nc, err := t.d.Dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn1{Conn: nc, socket: nc}
	c.br = bufio.NewReader(c)
	if t.name == "" {
		return c, nil
	}
	cfg := tlsConfig(t.name)
	if h2 {
		cfg.NextProtos = []string{"h2", "http/1.1"}
	}
	tc := tls.Client(nc, cfg)
	if t.d.Connect > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.d.Connect)
		defer cancel()
	}
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	if tc.ConnectionState().NegotiatedProtocol == "h2" {
		tc.Close()
		return nil, errHTTP2
	}
	c.Conn = tc
	return c, nil
}

// repeatable reports whether a request may run twice, and can be sent twice.
func repeatable(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return !HasBody(req) || req.GetBody != nil
	}
	return false
}

// roundTrip sends a request and reads the head of the response. h2: the server may choose HTTP/2 for a new connection.
func (t *http1) roundTrip(req *http.Request, h2 bool) (*http.Response, error) {
	ctx, again := req.Context(), repeatable(req)
	for fresh := false; ; fresh = true {
		var c *conn1
		if !fresh && t.pool.max > 0 {
			c = t.pool.take(!again)
		}
		kept := c != nil
		if !kept {
			var err error
			if c, err = t.dial(ctx, h2); err != nil {
				if err != errHTTP2 && req.Body != nil {
					req.Body.Close()
				}
				return nil, err
			}
		}
		x := &exchange1{t: t, c: c, req: req}
		resp, err := x.run()
		if err == nil {
			return resp, nil
		}
		x.end(false)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case x.bodyErr != nil:
			return nil, x.bodyErr
		case !kept || !again || c.got || TimedOut(err):
			return nil, err
		}
		if HasBody(req) {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}

// exchange1 is one request on its connection.
type exchange1 struct {
	t      *http1
	c      *conn1
	req    *http.Request
	unhook func() bool // the request's end no longer ends the waits
	over   bool

	sending sync.WaitGroup
	ask     chan struct{} // closed when the body may be sent; nil: at once
	mu      sync.Mutex
	headed  bool  // the head of the response has come
	ended   bool  // nothing more of the body is wanted
	unsent  bool  // a part of the body has not been sent
	bodyErr error // of the body's reading
}

// run sends the request and reads the head of the response.
func (x *exchange1) run() (*http.Response, error) {
	c, req := x.c, x.req
	c.got, c.left = false, maxHead
	x.unhook = context.AfterFunc(req.Context(), func() {
		x.mu.Lock() // no deadline is set afterwards
		defer x.mu.Unlock()
		_ = c.SetDeadline(time.Unix(1, 0)) // every wait ends
	})
	if err := x.send(); err != nil {
		return nil, err
	}
	for {
		resp, err := http.ReadResponse(c.br, req)
		if err != nil {
			return nil, err
		}
		switch {
		case resp.StatusCode == http.StatusSwitchingProtocols && req.Header["Upgrade"] != nil:
			return x.upgraded(resp), nil
		case resp.StatusCode >= 200 || resp.StatusCode < 100 || resp.StatusCode == http.StatusSwitchingProtocols:
			return x.responded(resp), nil
		}
		if resp.StatusCode == http.StatusContinue && x.ask != nil {
			select {
			case <-x.ask:
			default:
				close(x.ask)
			}
		}
		if i := informerOf(req.Context()); i != nil {
			i.Inform(resp.StatusCode, resp.Header)
		}
	}
}

// await bounds the wait for the response, which begins when the request has been sent.
func (x *exchange1) await() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if d := x.t.d.Read; d > 0 && !x.headed && x.req.Context().Err() == nil {
		_ = x.c.SetReadDeadline(time.Now().Add(d)) // a failure shows in Read
	}
}

// arrived ends that bound.
func (x *exchange1) arrived() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.headed = true
	if x.t.d.Read > 0 && x.req.Context().Err() == nil {
		_ = x.c.SetReadDeadline(time.Time{})
	}
	x.c.left = math.MaxInt64
}

// responded prepares a response for its reader.
func (x *exchange1) responded(resp *http.Response) *http.Response {
	x.arrived()
	if resp.Body == http.NoBody { // all of it has come
		x.end(!resp.Close)
		return resp
	}
	resp.Body = &body1{x: x, r: resp.Body, reuse: !resp.Close, whole: resp.ContentLength > 0 && resp.ContentLength <= int64(x.c.br.Buffered())}
	return resp
}

// upgraded gives the connection away, as the body of the response.
func (x *exchange1) upgraded(resp *http.Response) *http.Response {
	x.arrived()
	x.unhook()
	_ = x.c.SetDeadline(time.Time{})
	resp.Body = &tunnel1{x.c}
	return resp
}

// end ends the exchange. reuse: the response has been read whole, and the connection may be used again. It returns when no
// goroutine of the exchange runs any more.
func (x *exchange1) end(reuse bool) {
	if x.over {
		return
	}
	x.over = true
	x.mu.Lock()
	reuse, x.ended = reuse && !x.unsent, true
	x.mu.Unlock()
	if reuse = x.unhook() && reuse && x.req.Method != http.MethodHead && x.c.br.Buffered() == 0 && x.t.pool.max > 0; reuse {
		x.sending.Wait()
		if x.t.pool.put(x.c) {
			return
		}
	}
	x.c.Close()
	if x.req.Body != nil {
		x.req.Body.Close() // which ends a read of it
	}
	if x.ask != nil {
		select {
		case <-x.ask:
		default:
			close(x.ask)
		}
	}
	x.sending.Wait()
}

// body1 is the body of a response.
type body1 struct {
	x     *exchange1
	r     io.Reader
	reuse bool
	whole bool // all of it has come
	err   error
}

// Whole reports whether all of the body has come, so that no read waits.
func (b *body1) Whole() bool { return b.whole }

func (b *body1) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	if err != nil {
		if err != io.EOF && b.x.req.Context().Err() != nil {
			err = context.Cause(b.x.req.Context())
		}
		b.x.end(err == io.EOF && b.reuse)
		b.err = err
	}
	return n, err
}

func (b *body1) Close() error {
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
		b.x.end(false)
	}
	return nil
}

// tunnel1 is a connection after a change of the protocol.
type tunnel1 struct{ *conn1 }

func (t *tunnel1) Read(p []byte) (int, error) { return t.br.Read(p) }

// CloseWrite says that nothing more is written.
func (t *tunnel1) CloseWrite() error {
	if cw, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return http.ErrNotSupported
}
