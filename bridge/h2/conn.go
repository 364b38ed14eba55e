package h2

import (
	"crypto/tls"
	"net"
	"sync"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// conn tells when it is closed.
type conn struct {
	net.Conn
	ends   httpx.Ends
	tls    *tls.ConnectionState // nil: it has none
	once   sync.Once
	closed chan struct{}
}

func newConn(nc net.Conn, ends httpx.Ends) *conn {
	return &conn{Conn: nc, ends: ends, closed: make(chan struct{})}
}

// Close is net.Conn's.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// farewell is an empty SETTINGS frame, and a GOAWAY without an error: no stream was served, so
// clients may send each request once more, on another connection (RFC 9113 6.8).
var farewell = []byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x08\x07\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00")

// refuse sends GOAWAY and closes the connection.
func (c *conn) refuse() {
	_, err := c.Write(farewell)
	if l, ok := c.Conn.(interface{ LingeringClose() error }); ok && err == nil { // else what the client sends could discard it
		_ = l.LingeringClose()
	}
	_ = c.Close()
}
