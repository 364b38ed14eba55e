package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	idleTime = 30 * time.Second // of a kept connection; below the 60 s and more of usual servers
	maxIdle  = 64               // kept connections
	maxHead  = 256 << 10        // bytes of a response's head
	// continueTime is how long an upstream may take to ask for the body of a request with
	// "Expect: 100-continue". Then the body is sent (RFC 9110 10.1.1), as an upstream that
	// does not know the field needs.
	continueTime = time.Second
)

// HTTP speaks HTTP to one server. It keeps connections. The server may close any of them
// at the moment when a request is sent: net/http then repeats a GET itself, and fails what
// it must not repeat. So without TLS, where a connection costs little, such a request gets
// a new one; so does a HEAD, which some servers answer with a body.
type HTTP struct {
	kept, fresh *http.Transport
}

// NewHTTP is for the server that d reaches. name is what TLS expects in its certificate;
// empty: no TLS.
func NewHTTP(d Dialer, name string) *HTTP {
	t := &HTTP{kept: newTransport(d, name)}
	if t.fresh = t.kept; name == "" {
		t.fresh = newTransport(d, name)
		t.fresh.DisableKeepAlives = true
	}
	return t
}

// RoundTrip sends a request and reads the head of the response.
func (t *HTTP) RoundTrip(req *http.Request) (*http.Response, error) {
	switch req.Method {
	case http.MethodGet, http.MethodOptions, http.MethodTrace:
		return t.kept.RoundTrip(req)
	}
	return t.fresh.RoundTrip(req)
}

// CloseIdleConnections closes the kept connections that no request uses.
func (t *HTTP) CloseIdleConnections() { t.kept.CloseIdleConnections() }

func newTransport(d Dialer, name string) *http.Transport {
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := d.Dial(ctx)
			if err != nil {
				return nil, err
			}
			return &httpConn{Conn: c, limit: d.Send}, nil
		},
		DisableCompression: true, MaxIdleConns: maxIdle, MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: idleTime,
		TLSHandshakeTimeout: d.Connect, ResponseHeaderTimeout: d.Read, ExpectContinueTimeout: continueTime, MaxResponseHeaderBytes: maxHead,
	}
	t.DisableKeepAlives = d.SendProxy // another request may be another client's
	if name != "" {
		t.TLSClientConfig = &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	}
	return t
}

// httpConn bounds each write. An upstream may answer before it has read a request body and
// then close its connection, which is a reset as long as more comes. net/http takes the
// failed write for the end of the request, although the response is there. So the bytes
// after such a reset are discarded, and the next Read tells what became of the request.
type httpConn struct {
	net.Conn
	limit time.Duration // 0: none
	begun atomic.Bool   // something was written since the last Read: a part of a request has gone out
}

func (c *httpConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.begun.Store(false)
	}
	return n, err
}

func (c *httpConn) Write(p []byte) (int, error) {
	if c.limit > 0 {
		_ = c.SetWriteDeadline(time.Now().Add(c.limit)) // a failure shows in Write
	}
	n, err := c.Conn.Write(p)
	if n > 0 {
		c.begun.Store(true)
	}
	if err != nil && c.begun.Load() && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
		return len(p), nil
	}
	return n, err
}

// CloseWrite is for upgraded connections.
func (c *httpConn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return http.ErrNotSupported
}
