package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// readLimit spares the system's timers most of what net/http asks of them: it sets a
// connection's read deadline six times for each request, hardly ever to wait for it.
// The connection itself gets a deadline only when a read begins that has to end before
// the one that it has. One that it has from before, and that is too early, ends the
// read for nothing: then it gets the right one, and is read again.
type readLimit struct {
	mu      sync.Mutex
	want    time.Time // what was asked for last; zero: none
	armed   time.Time // what the connection has; zero: none
	reading int       // reads under way
}

// SetReadDeadline is as net.Conn's, but that a closed connection shows at the next Read.
func (c *conn) SetReadDeadline(t time.Time) error {
	l := &c.reads
	l.mu.Lock()
	defer l.mu.Unlock()
	l.want = t
	if l.reading > 0 && earlier(t, l.armed) {
		return c.arm()
	}
	return nil
}

// SetDeadline is that of reads and of writes.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Read reads. An empty line in front of a connection's first request is passed over
// (RFC 9112 2.2); net/http takes it for a request.
func (c *conn) Read(p []byte) (int, error) {
	if c.begun || len(p) < len(crlf) {
		return c.readOn(p)
	}
	n := 0
	for n < len(crlf) {
		m, err := c.readOn(p[n:])
		if n += m; err != nil {
			return n, err
		}
		if p[0] != crlf[0] {
			break
		}
	}
	c.begun = true
	if string(p[:min(n, len(crlf))]) != string(crlf) {
		return n, nil
	}
	if n == len(crlf) {
		return c.readOn(p)
	}
	return copy(p, p[len(crlf):n]), nil
}

func (c *conn) readOn(p []byte) (int, error) {
	l := &c.reads
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.pace.tooSlow() {
		return 0, os.ErrDeadlineExceeded
	}
	if longAgo(l.want) { // who sets it so wants a read to end that may not have begun
		return 0, os.ErrDeadlineExceeded
	}
	if longAgo(l.armed) || earlier(l.want, l.armed) {
		if err := c.arm(); err != nil {
			return 0, err
		}
	}
	for {
		n, err := l.read(c.Conn, p)
		c.pace.read(n)
		if err == nil || n > 0 || c.pace.tooSlow() || !errors.Is(err, os.ErrDeadlineExceeded) || !l.want.IsZero() && !l.want.After(time.Now()) {
			return n, err
		}
		if err := c.arm(); err != nil {
			return 0, err
		}
	}
}

// read reads without mu, which is held before and after.
func (l *readLimit) read(nc net.Conn, p []byte) (int, error) {
	l.reading++
	l.mu.Unlock()
	n, err := nc.Read(p)
	l.mu.Lock()
	l.reading--
	return n, err
}

// arm gives the connection the deadline that is wanted. mu of its readLimit is held.
func (c *conn) arm() error {
	c.reads.armed = c.reads.want
	if err := c.Conn.SetReadDeadline(c.reads.want); err != nil || !c.pace.tooSlow() {
		return err
	}
	return c.Conn.SetReadDeadline(time.Unix(1, 0)) // stop may have come just before
}

// earlier compares deadlines; none is the latest.
func earlier(a, b time.Time) bool { return !a.IsZero() && (b.IsZero() || a.Before(b)) }

// longAgo: 1970, as everybody writes a deadline that is to end a read now.
func longAgo(t time.Time) bool { return !t.IsZero() && t.Unix() <= 1 }
