package https

import (
	"crypto/tls"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/shim/wire"
)

// Conn is a connection whose handshake is done. Beside net.Conn's it has the methods of a
// *listen.Conn, which a Protocol may need.
type Conn struct {
	*tls.Conn

	srv    *Server
	policy *policy
	inner  *listen.Conn
	below  *transport
	state  *tls.ConnectionState // of the handshake
	vars   []wire.Var
	full   bool        // the last Read has filled its buffer
	cut    atomic.Bool // the connection is to end without a close_notify
}

func newConn(s *Server, inner *listen.Conn) *Conn {
	below, p := &transport{Conn: inner}, s.policy.Load()
	return &Conn{Conn: tls.Server(below, p.config), srv: s, policy: p, inner: inner, below: below}
}

// State is what the handshake has found. It does not change.
func (c *Conn) State() *tls.ConnectionState { return c.state }

// Variables are the CGI variables that all requests of the connection have in common: SSL_PROTOCOL
// and others. They are to be read only.
func (c *Conn) Variables() []wire.Var { return c.vars }

// Alternative is the Ends.Alt of the connection.
func (c *Conn) Alternative() *atomic.Pointer[string] { return c.srv.o.Alternative }

// Read is net.Conn's.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.full = n == len(p)
	return n, err
}

// ReadBy is listen.Conn's.
func (c *Conn) ReadBy(t time.Time) { c.inner.ReadBy(t) }

// WatchRequest is listen.Conn's: the socket below TLS is watched.
func (c *Conn) WatchRequest(d listen.Disconnecter) { c.inner.WatchRequest(d) }

// EndRequest is listen.Conn's.
func (c *Conn) EndRequest() { c.inner.EndRequest() }

// Upgraded is listen.Conn's.
func (c *Conn) Upgraded(t listen.Tunnel, end func()) { c.inner.Upgraded(t, end) }

// SetLinger is net.TCPConn's. With 0 no close_notify is sent, so that half an answer does not
// look whole.
func (c *Conn) SetLinger(sec int) error {
	if sec == 0 {
		c.cut.Store(true)
	}
	return c.inner.SetLinger(sec)
}

// Close sends a close_notify, if that can be done at once, and closes the connection.
func (c *Conn) Close() error {
	if c.cut.Load() || c.srv.closed.Load() {
		return c.inner.Close()
	}
	c.below.closing.Store(true)
	return c.Conn.Close()
}

// LingeringClose sends a close_notify, and closes the connection as listen.Conn's does.
func (c *Conn) LingeringClose() error {
	if c.cut.Load() || c.srv.closed.Load() {
		return c.inner.Close()
	}
	c.below.closing.Store(true)
	_ = c.Conn.CloseWrite()
	return c.inner.LingeringClose()
}

// WaitRead returns when there is something to read, or the connection's read deadline has
// passed, or it was closed. It holds no buffer meanwhile.
func (c *Conn) WaitRead() error {
	if c.full || !c.below.records.clean() { // more was read than the last Read has returned
		return nil
	}
	raw, err := c.inner.SyscallConn()
	if err != nil {
		return nil
	}
	return waitRead(raw)
}
