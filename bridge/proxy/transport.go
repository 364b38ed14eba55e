package proxy

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

// Timeouts bound what is waited for of one upstream. 0: no limit.
type Timeouts struct {
	Connect time.Duration // until it has taken the connection; TLS has as long again
	Send    time.Duration // while it takes nothing of the request
	Read    time.Duration // until its answer begins
}

const (
	idleTime = 30 * time.Second // of a kept connection; below the 60 s and more of usual servers
	maxIdle  = 64               // kept connections
	maxHead  = 256 << 10        // octets of an answer's head
	// How long an upstream may take to ask for the body of a request with "Expect: 100-continue"; then it is sent
	// unasked (RFC 9110 10.1.1), as an upstream that does not know the field needs.
	askTime = time.Second
)

// Transport speaks HTTP to one server. It keeps connections, and any of them may have
// been closed by the server in the very moment in which a request is sent: net/http
// then repeats a GET by itself, and fails what it must not repeat. So without TLS,
// where a connection costs little, such a request has a new one; and so has a HEAD,
// which some servers answer with a body.
type Transport struct {
	kept, fresh *http.Transport
}

// NewTransport is for the server at address, a path for the network "unix". name is
// what TLS expects in its certificate; empty: no TLS.
func NewTransport(network, address, name string, limits Timeouts) *Transport {
	t := &Transport{kept: newTransport(network, address, name, limits)}
	if t.fresh = t.kept; name == "" {
		t.fresh = newTransport(network, address, name, limits)
		t.fresh.DisableKeepAlives = true
	}
	return t
}

// RoundTrip sends a request and reads the answer's head.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	switch req.Method {
	case http.MethodGet, http.MethodOptions, http.MethodTrace:
		return t.kept.RoundTrip(req)
	}
	return t.fresh.RoundTrip(req)
}

// CloseIdleConnections closes what is kept and not used.
func (t *Transport) CloseIdleConnections() { t.kept.CloseIdleConnections() }

func newTransport(network, address, name string, limits Timeouts) *http.Transport {
	d := &net.Dialer{Timeout: limits.Connect}
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := d.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &upstreamConn{Conn: c, limit: limits.Send}, nil
		},
		DisableCompression: true, MaxIdleConns: maxIdle, MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: idleTime,
		TLSHandshakeTimeout: limits.Connect, ResponseHeaderTimeout: limits.Read, ExpectContinueTimeout: askTime, MaxResponseHeaderBytes: maxHead,
	}
	if name != "" {
		t.TLSClientConfig = &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	}
	return t
}

// upstreamConn bounds each write. An upstream may answer before it has read a request
// body, and then close its connection, which is a reset as long as more comes. net/http
// takes the failed write for the end of the request, though the answer is there: so what
// follows such a reset is thrown away, and the next Read tells what has become of it.
type upstreamConn struct {
	net.Conn
	limit time.Duration // 0: none
	begun atomic.Bool   // something was written since the last Read: part of a request is there
}

func (c *upstreamConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.begun.Store(false)
	}
	return n, err
}

func (c *upstreamConn) Write(p []byte) (int, error) {
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
func (c *upstreamConn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return http.ErrNotSupported
}
