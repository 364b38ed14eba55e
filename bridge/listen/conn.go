package listen

import (
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/spool"
)

// Conn is a client's connection, as a Group's listeners return it. It bounds how slowly
// its client may take what is written (pace.go), sends files with sendfile(2), and gives
// its slot back when it is closed.
type Conn struct {
	net.Conn
	group *Group
	once  sync.Once // of Close
	pace  pace
}

// What one call writes at most; bytes. Where the system does not tell what the client has
// taken of it meanwhile, the ends of the calls show that.
const writePiece = 64 << 10

// Upgraded makes the connection a tunnel: it may be silent for Limits.Tunnel.
func (c *Conn) Upgraded() { c.pace.upgraded.Store(true) }

// TooSlow reports that the connection was ended because its client was too slow. Every read
// and write fails from then on.
func (c *Conn) TooSlow() bool { return c.pace.over.Load() }

// Hurried reports that the connection is not to linger for long (body.Linger).
func (c *Conn) Hurried() bool { return c.group.hurried() }

// Read reads.
func (c *Conn) Read(p []byte) (int, error) {
	if c.TooSlow() {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := c.Conn.Read(p)
	c.pace.read(n)
	return n, err
}

// Write writes p in pieces of which it is known whether the client takes them.
func (c *Conn) Write(p []byte) (done int, err error) {
	if !c.pace.begin() {
		return 0, os.ErrDeadlineExceeded
	}
	defer c.pace.end()
	for {
		piece := p[done:min(len(p), done+writePiece)]
		n, err := c.Conn.Write(piece)
		c.pace.wrote(n)
		done += n
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

// WriteBuffers writes all of them: in one call, where the system can.
func (c *Conn) WriteBuffers(b *net.Buffers) (int64, error) {
	if !c.pace.begin() {
		return 0, os.ErrDeadlineExceeded
	}
	defer c.pace.end()
	n, err := b.WriteTo(c.Conn)
	c.pace.wrote(int(n))
	return n, err
}

// ReadFrom sends files with sendfile(2), where the system can.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	lr, _ := r.(*io.LimitedReader)
	if lr == nil {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	file, _ := lr.R.(*os.File)
	if file == nil {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	if tcp, isTCP := c.Conn.(*net.TCPConn); isTCP && sendsFiles {
		if !c.pace.begin() {
			return 0, os.ErrDeadlineExceeded
		}
		defer c.pace.end()
		if n, ok, err := sendFile(tcp, file, lr.N); ok {
			lr.N -= n
			c.pace.wrote(int(n))
			return n, err
		}
	}
	return io.Copy(struct{ io.Writer }{c}, io.LimitReader(spool.DiskFile{File: file}, lr.N))
}

// SetReadDeadline is net.Conn's. A connection that was ended for being too slow stays so.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.stayEnded(c.Conn.SetReadDeadline(t)) }

// SetWriteDeadline is net.Conn's, as SetReadDeadline.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.stayEnded(c.Conn.SetWriteDeadline(t)) }

// SetDeadline is net.Conn's, as SetReadDeadline.
func (c *Conn) SetDeadline(t time.Time) error { return c.stayEnded(c.Conn.SetDeadline(t)) }

// stayEnded is called after a deadline was set: pace.stop may have come just before.
func (c *Conn) stayEnded(err error) error {
	if err != nil || !c.TooSlow() {
		return err
	}
	return c.Conn.SetDeadline(time.Unix(1, 0))
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

// reset makes the coming close a TCP reset. A unix socket has no such thing.
func (c *Conn) reset() { _ = c.SetLinger(0) }

// Close closes the connection and gives its slot back.
func (c *Conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.group.watch.remove(c)
		c.group.slots.free()
	})
	return err
}
