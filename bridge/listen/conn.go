package listen

import (
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Conn is a client's connection, as a Group's listeners return it. It bounds how slowly
// its client may take what is written (pace.go) and how long a read may wait
// (readlimit.go), notices that its client has disconnected (disconnect.go), writes heads
// with bodies and files (write.go), and gives its slot back when it is closed.
type Conn struct {
	net.Conn
	// NoHalfClose: a client that closes its side for writing has disconnected, however
	// early it does so. It is set before the first WatchRequest.
	NoHalfClose bool
	// Header is in front of what the protocol reads, which calls its Take before anything else;
	// nil: there is none.
	Header *Header

	raw     syscall.RawConn // nil: it has none
	group   *Group
	counted clientKey // by clientCounts; 0: it is not
	index   int       // in watch.all
	closed  atomic.Bool
	tunnel  atomic.Pointer[tunnel] // nil: it is not upgraded
	pace    pace
	reads   readLimit
	client  clientWatch
}

func newConn(nc net.Conn, g *Group) *Conn {
	c := &Conn{Conn: nc, group: g}
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
	return c
}

// TooSlow reports that the connection was ended because its client was too slow. Every read
// and write fails from then on.
func (c *Conn) TooSlow() bool { return c.pace.over.Load() }

// Read reads.
func (c *Conn) Read(p []byte) (int, error) {
	if c.TooSlow() {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := read(c, p)
	c.pace.read(n)
	return n, err
}

// SetWriteDeadline is net.Conn's, as SetReadDeadline.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.pace.stayEnded(c, c.Conn.SetWriteDeadline(t))
}

// SetDeadline is net.Conn's, as SetReadDeadline.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SyscallConn is for reads that wait without a buffer.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if c.raw == nil {
		return nil, syscall.ENOTSOCK
	}
	return c.raw, nil
}

// CloseWrite closes the connection for writing, where it can be.
func (c *Conn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}

// SetLinger is net.TCPConn's; a unix socket has no such thing.
func (c *Conn) SetLinger(sec int) error {
	if l, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return l.SetLinger(sec)
	}
	return http.ErrNotSupported
}

// Close closes the connection and gives its slot back. A request that still runs is told.
func (c *Conn) Close() error {
	err := c.Conn.Close()
	if c.closed.Swap(true) {
		return err
	}
	c.client.closed(c)
	c.group.counts.free(c) // before the connection is no longer counted: then its client may open another one
	c.group.watch.remove(c)
	c.group.slots.free()
	return err
}
