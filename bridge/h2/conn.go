package h2

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// conn is a connection between its client and net/http. It follows the frames in both directions.
// incoming.go bounds what the client may do, outgoing.go notices what net/http answers by itself,
// and farewell.go ends the connection.
type conn struct {
	net.Conn
	srv    *Server
	ends   httpx.Ends
	tls    *tls.ConnectionState // nil: it has none
	once   sync.Once
	closed chan struct{}

	tally   tally
	window  atomic.Int64 // that streams begin with
	running atomic.Int32 // handlers
	idle    atomic.Bool  // it has no stream
	slowed  atomic.Bool  // its client has been made to wait
	begins  atomic.Bool  // net/http has got its preface
	tail    progress     // of answers whose handlers have returned; streams.mu is held

	over atomic.Pointer[string] // why it ends; nil: it does not
	kick chan struct{}          // capacity 1: stay has something to do

	in  incoming
	mu  sync.Mutex // held while frames are written
	out outgoing
	bye farewell
}

func newConn(s *Server, nc net.Conn, ends httpx.Ends) *conn {
	c := &conn{Conn: nc, srv: s, ends: ends, closed: make(chan struct{}), kick: make(chan struct{}, 1)}
	c.in.c, c.out.c, c.bye.c = c, c, c
	c.in.left, c.in.budgets = len(preface), newBudgets(time.Now)
	c.window.Store(initialWindow)
	c.idle.Store(true)
	return c
}

// preface is what a client begins with (RFC 9113 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// initialWindow is what streams begin with unless the client says something else; bytes.
const initialWindow = 65535

// Read is net.Conn's.
func (c *conn) Read(p []byte) (int, error) { return c.in.read(p) }

// Write is net.Conn's.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bye.write(p)
}

// Close is net.Conn's.
func (c *conn) Close() error {
	c.once.Do(func() {
		if why := c.silentEnd(); why != "" {
			c.end(why)
		}
		close(c.closed)
	})
	return c.Conn.Close()
}

// end notes that the connection ends because of its client, and counts that. Only the first reason
// counts.
func (c *conn) end(why string) {
	if c.over.CompareAndSwap(nil, &why) {
		c.srv.records.ended(c, why)
	}
}

// wake has stay look.
func (c *conn) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// lastWrite is how long a write may take once the connection is to end.
const lastWrite = time.Second

// SetWriteDeadline is net.Conn's.
func (c *conn) SetWriteDeadline(at time.Time) error {
	if soon := time.Now().Add(lastWrite); c.over.Load() != nil && (at.IsZero() || at.After(soon)) {
		at = soon
	}
	return c.Conn.SetWriteDeadline(at)
}

// readBy bounds reads.
func (c *conn) readBy(at time.Time) {
	if r, ok := c.Conn.(interface{ ReadBy(time.Time) }); ok { // cheap, and exact to a second
		r.ReadBy(at)
		return
	}
	_ = c.SetReadDeadline(at)
}

// silentEnd is why net/http closes the connection without a word; empty: it was not net/http, or it
// had no reason of the client's.
func (c *conn) silentEnd() string {
	switch in := &c.in; {
	case c.over.Load() != nil || c.out.goneAway.Load() || c.out.failed.Load() || c.srv.isLeaving() || in.failed.Load() && !in.late.Load():
		return ""
	case in.late.Load():
		return "header_timeout"
	case in.phase.Load() == phasePreface:
		return "protocol_error"
	case in.phase.Load() == phaseSettings:
		return "settings_timeout"
	case c.out.asked.Load():
		return "ping_timeout"
	}
	return "closed" // too many answers wait to be read
}
