package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// continueTime is how long an upstream may take to ask for the body of a request with
	// "Expect: 100-continue". Then the body is sent (RFC 9110 10.1.1), as an upstream that
	// does not know the field needs.
	continueTime = time.Second
	// pingTime is after which silence a connection of HTTP/2 is asked whether it still lives.
	pingTime = 15 * time.Second
)

// HTTPOptions are those of an HTTP.
type HTTPOptions struct {
	// TLSName is what TLS expects in the certificate; empty: no TLS. With TLS the server chooses the version of HTTP (ALPN).
	TLSName string
	// H2C: without TLS, the server speaks HTTP/2 from the first byte on (RFC 9113 3.3).
	H2C bool
	// Keep is how many idle connections of HTTP/1.1 are kept; 0: none.
	Keep int
	// IdleTime is how long one is kept; 0: for ever.
	IdleTime time.Duration
}

// HTTP speaks HTTP to one server: HTTP/1.1, for which it keeps connections, or HTTP/2.
type HTTP struct {
	one *http1
	two *http.Transport // nil: the server cannot speak it
	is2 atomic.Bool     // it does
}

// NewHTTP is for the server that d reaches.
func NewHTTP(d Dialer, o HTTPOptions) *HTTP {
	t := &HTTP{one: newHTTP1(d, o)}
	if o.H2C || o.TLSName != "" && !d.SendProxy { // else a connection is one client's
		t.two = newTransport(d, o)
	}
	t.is2.Store(o.H2C)
	return t
}

// Send sends a request and reads the head of the response.
func (t *HTTP) Send(req *Request) (*Response, error) {
	upgrades := req.Upgrade && t.one.name != "" // for which HTTP/2 has no way
	if t.is2.Load() && !upgrades {
		return roundTrip2(t.two, req)
	}
	resp, err := t.one.exchange(req, t.two != nil && !upgrades)
	if errors.Is(err, errHTTP2) { // nothing was sent
		t.is2.Store(true)
		return roundTrip2(t.two, req)
	}
	return resp, err
}

// CloseIdleConnections closes the kept connections that no request uses.
func (t *HTTP) CloseIdleConnections() {
	t.one.pool.close()
	if t.two != nil {
		t.two.CloseIdleConnections()
	}
}

// newTransport is net/http's transport to the server: for HTTP/2, and for checks, which speak what the server speaks.
func newTransport(d Dialer, o HTTPOptions) *http.Transport {
	t := &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return d.Dial(ctx) },
		DisableCompression: true, TLSHandshakeTimeout: d.Connect, ResponseHeaderTimeout: d.Read, ExpectContinueTimeout: continueTime, MaxResponseHeaderBytes: maxHead,
		IdleConnTimeout: o.IdleTime, HTTP2: &http.HTTP2Config{SendPingTimeout: pingTime, PingTimeout: pingTime, WriteByteTimeout: d.Send}, Protocols: new(http.Protocols),
	}
	t.Protocols.SetHTTP1(!o.H2C)
	t.Protocols.SetHTTP2(!d.SendProxy)
	t.Protocols.SetUnencryptedHTTP2(o.H2C)
	t.DisableKeepAlives = d.SendProxy // another request may be another client's
	if o.TLSName != "" {
		t.TLSClientConfig = tlsConfig(o.TLSName)
	}
	return t
}

func tlsConfig(name string) *tls.Config {
	return &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
}
