package overh2

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// written is how much the test may write before it has been sent, as in a socket's buffer.
const written = 64 << 10

// Conn is a connection of HTTP/2 that is used as one of HTTP/1.1.
type Conn struct {
	net.Conn // under the frames
	link     *link
	in       *pipe // requests
	out      *pipe // answers
	report   func(string)
	closed   atomic.Bool
	ended    sync.WaitGroup
}

// New makes a Conn of nc, on which nothing was sent yet. What HTTP/2 cannot say or does not allow goes to report.
func New(nc net.Conn, scheme string, report func(string)) *Conn {
	c := &Conn{Conn: nc, in: newPipe(written), out: newPipe(0), report: report}
	c.link = newLink(nc, c)
	c.ended.Go(func() { c.link.read() })
	c.ended.Go(func() { c.translate(scheme) })
	return c
}

// NetConn is the connection under the frames.
func (c *Conn) NetConn() net.Conn { return c.Conn }

// complain reports a fault while somebody listens.
func (c *Conn) complain(format string, args ...any) {
	if !c.closed.Load() {
		c.report(fmt.Sprintf(format, args...))
	}
}

// end ends both directions.
func (c *Conn) end(err error) {
	c.out.end(err)
	c.in.end(syscall.EPIPE)
}

// Read reads answers.
func (c *Conn) Read(b []byte) (int, error) {
	n, left, err := c.out.read(b, true)
	if left < 16<<10 {
		c.link.credit()
	}
	return n, err
}

// Write writes requests.
func (c *Conn) Write(b []byte) (int, error) { return c.in.write(b, true) }

// Close closes the connection, with all its streams, when what was written is sent.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	c.in.end(io.EOF)
	c.link.settle()
	c.end(net.ErrClosed)
	err := c.Conn.Close()
	c.link.stop()
	c.ended.Wait()
	return err
}

// CloseWrite says that no more comes from the test: Read ends after the answer to what was written. The server is not told.
func (c *Conn) CloseWrite() error {
	c.in.end(io.EOF)
	return nil
}

// Disconnect resets the stream of the request under way: a browser whose user goes to another page. The connection is
// closed when the server has read that.
func (c *Conn) Disconnect() {
	c.closed.Store(true)
	c.in.end(io.EOF)
	c.link.settle()
	c.end(net.ErrClosed)
	_ = c.Conn.SetDeadline(time.Now().Add(time.Minute))
	c.link.cancel()
}

// SetDeadline is net.Conn's.
func (c *Conn) SetDeadline(t time.Time) error {
	c.in.setDeadline(t)
	c.out.setDeadline(t)
	return nil
}

// SetReadDeadline is net.Conn's.
func (c *Conn) SetReadDeadline(t time.Time) error { c.out.setDeadline(t); return nil }

// SetWriteDeadline is net.Conn's.
func (c *Conn) SetWriteDeadline(t time.Time) error { c.in.setDeadline(t); return nil }

// errReset is what a test reads where the server has reset a stream.
func errReset(code uint32) error {
	return fmt.Errorf("RST_STREAM with error %d: %w", code, syscall.ECONNRESET)
}

// translate sends one request after the other.
func (c *Conn) translate(scheme string) {
	defer c.link.rest()
	r := &requests{in: c.in, scheme: scheme}
	for {
		head, err := r.next()
		if err != nil {
			c.stopped(err)
			return
		}
		s, err := c.link.open(head)
		if err != nil {
			c.end(err)
			return
		}
		if err := r.body(head, s); err == io.EOF {
			head.last = true // CloseWrite within the body
		} else if err != nil {
			c.stopped(err)
			return
		}
		if err := s.wait(); err != nil {
			c.end(err)
			_ = c.Conn.Close() // a connection of HTTP/1.1 has ended with its answer
			return
		}
		if head.last {
			c.end(io.EOF)
			_ = c.Conn.Close()
			return
		}
	}
}

// stopped ends the connection at a request that cannot be read.
func (c *Conn) stopped(err error) {
	var bad untranslatable
	if errors.As(err, &bad) {
		c.complain("HTTP/2 cannot say this: %s", string(bad))
	}
	c.end(err)
}
