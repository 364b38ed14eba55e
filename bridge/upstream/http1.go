package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// errHTTP2: the server has chosen HTTP/2. Nothing was sent.
var errHTTP2 = errors.New("the server has chosen HTTP/2")

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
	net.Conn // the socket, or TLS over it
	socket   *socket
	br       *bufio.Reader
	left     int64 // how many more bytes may be read
	got      bool  // bytes of a response came
	since    time.Time
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

// readHead reads the head of a response as it came.
func (c *conn1) readHead() (string, error) {
	for {
		b, _ := c.br.Peek(c.br.Buffered())
		if n := headEnd(b); n > 0 {
			s := string(b[:n])
			_, err := c.br.Discard(n)
			return s, err
		}
		if len(b) == c.br.Size() {
			return c.readLarge()
		}
		if _, err := c.br.Peek(len(b) + 1); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
	}
}

// readLarge reads a head that is larger than the buffer. Its size is bounded by left.
func (c *conn1) readLarge() (string, error) {
	var all []byte
	for begins := true; ; {
		part, err := c.br.ReadSlice('\n')
		all = append(all, part...)
		switch {
		case err == bufio.ErrBufferFull:
			begins = false
			continue
		case err == io.EOF:
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		}
		if begins && (len(part) == 1 || len(part) == 2 && part[0] == '\r') {
			return string(all), nil
		}
		begins = true
	}
}

// readLine reads a line, without its end.
func (c *conn1) readLine() (string, error) {
	s, err := c.br.ReadString('\n')
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r"), err
}

// dial makes a connection. h2: the server may choose HTTP/2.
func (t *http1) dial(req *Request, h2 bool) (*conn1, error) {
	ctx := req.dialContext()
	nc, err := t.d.Dial(ctx)
	if err != nil {
		return nil, err
	}
	s, err := newSocket(nc, t.d.Send)
	if err != nil {
		nc.Close()
		return nil, err
	}
	c := &conn1{Conn: s, socket: s}
	c.br = bufio.NewReader(c)
	if t.name == "" {
		return c, nil
	}
	cfg := tlsConfig(t.name)
	if h2 {
		cfg.NextProtos = []string{"h2", "http/1.1"}
	}
	tc := tls.Client(s, cfg)
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
func (q *Request) repeatable() bool {
	switch q.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return !q.hasBody() || q.Again != nil
	}
	return false
}

// exchange sends a request and reads the head of the response. h2: the server may choose HTTP/2 for a new connection.
func (t *http1) exchange(req *Request, h2 bool) (*Response, error) {
	again := req.repeatable()
	for fresh := false; ; fresh = true {
		var c *conn1
		if !fresh && t.pool.max > 0 {
			c = t.pool.take(!again, req.Begun)
		}
		kept := c != nil
		if !kept {
			var err error
			if c, err = t.dial(req, h2); err != nil {
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
		if cause := req.Ending.Cause(); cause != nil {
			return nil, cause
		}
		switch {
		case x.bodyErr != nil:
			return nil, x.bodyErr
		case !kept || !again || c.got || TimedOut(err):
			return nil, err
		}
		if req.hasBody() {
			if req.Body, err = req.Again(); err != nil {
				return nil, err
			}
		}
	}
}

// exchange1 is one request on its connection.
type exchange1 struct {
	t    *http1
	c    *conn1
	req  *Request
	over bool
	head head
	resp Response
	body body1

	sending sync.WaitGroup
	ask     chan struct{} // closed when the body may be sent; nil: at once
	mu      sync.Mutex
	headed  bool  // the head of the response has come
	ended   bool  // nothing more of the body is wanted
	unsent  bool  // a part of the body has not been sent
	bodyErr error // of the body's reading
}

// run sends the request and reads the head of the response.
func (x *exchange1) run() (*Response, error) {
	c, req := x.c, x.req
	c.got, c.left = false, maxHead
	if req.Ending.watch(c.socket) { // every wait ends with the request
		return nil, req.Ending.Cause()
	}
	if err := x.send(); err != nil {
		return nil, err
	}
	for {
		s, err := c.readHead()
		if err != nil {
			return nil, err
		}
		h := &x.head
		if err := h.parse(s, req.Room); err != nil {
			return nil, err
		}
		switch {
		case h.status == http.StatusSwitchingProtocols && req.Upgrade:
			return x.upgraded(), nil
		case h.status >= 200 || h.status < 100 || h.status == http.StatusSwitchingProtocols:
			return x.responded()
		}
		if h.status == http.StatusContinue && x.ask != nil {
			select {
			case <-x.ask:
			default:
				close(x.ask)
			}
		}
		if req.Informer != nil {
			req.Informer.Inform(h.status, h.fields)
		}
	}
}

// await bounds the wait for the response, which begins when the request has been sent.
func (x *exchange1) await(now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if d := x.t.d.Read; d > 0 && !x.headed {
		x.c.socket.readBy(now.Add(d))
	}
}

// arrived ends that bound, and makes the response.
func (x *exchange1) arrived() *Response {
	x.mu.Lock()
	x.headed = true
	x.mu.Unlock()
	if x.t.d.Read > 0 {
		x.c.socket.readBy(time.Time{})
	}
	x.c.left = math.MaxInt64
	h := &x.head
	x.resp = Response{Status: h.status, Phrase: h.phrase, Fields: h.fields, Length: h.length, Body: http.NoBody, Trailer: &x.body.trailer}
	return &x.resp
}

// responded prepares a response for its reader.
func (x *exchange1) responded() (*Response, error) {
	resp, h := x.arrived(), &x.head
	if !h.hasBody(x.req.Method) || h.length == 0 { // all of it has come
		x.end(!h.last)
		return resp, nil
	}
	x.body.begin(x, h)
	resp.Body = &x.body
	return resp, nil
}

// upgraded gives the connection away, as the body of the response.
func (x *exchange1) upgraded() *Response {
	resp := x.arrived()
	x.req.Ending.watch(nil)
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
	if reuse = !x.req.Ending.watch(nil) && reuse && x.req.Method != http.MethodHead && x.c.br.Buffered() == 0 && x.t.pool.max > 0; reuse {
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
