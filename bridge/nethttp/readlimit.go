package nethttp

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// readLimit spares the system's timers most of what net/http asks of them: it sets a
// connection's read deadline six times for each request, hardly ever to wait for it. The
// connection itself gets a deadline only when a read begins that has to end before the one
// that it has. A deadline that it has from before, and that is too early, ends the read too
// soon: then it gets the right one, and is read again.
type readLimit struct {
	mu      sync.Mutex
	want    time.Time // what was asked for last; zero: none
	armed   time.Time // what the connection has; zero: none
	reading int       // reads under way
}

// SetReadDeadline is net.Conn's; that the connection is closed shows at the next Read only.
func (c *conn) SetReadDeadline(t time.Time) error {
	l := &c.reads
	l.mu.Lock()
	defer l.mu.Unlock()
	l.want = t
	if l.reading > 0 && earlier(t, l.armed) {
		return l.arm(c.Conn)
	}
	return nil
}

// SetDeadline sets the deadlines of reads and of writes.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Read reads. It skips an empty line in front of a connection's first request
// (RFC 9112 2.2), which net/http takes for a request.
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
	if longAgo(l.want) { // it is to end a read that may not have begun
		return 0, os.ErrDeadlineExceeded
	}
	if longAgo(l.armed) || earlier(l.want, l.armed) {
		if err := l.arm(c.Conn); err != nil {
			return 0, err
		}
	}
	for {
		n, err := l.read(c.Conn, p)
		if err == nil || n > 0 || c.link.TooSlow() || !errors.Is(err, os.ErrDeadlineExceeded) || !l.want.IsZero() && !l.want.After(time.Now()) {
			return n, err
		}
		if err := l.arm(c.Conn); err != nil {
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

// arm gives the connection the deadline that is wanted. mu is held.
func (l *readLimit) arm(nc net.Conn) error {
	l.armed = l.want
	return nc.SetReadDeadline(l.want)
}

// earlier compares deadlines; none is the latest.
func earlier(a, b time.Time) bool { return !a.IsZero() && (b.IsZero() || a.Before(b)) }

// longAgo: 1970, the usual way to write a deadline that is to end a read now.
func longAgo(t time.Time) bool { return !t.IsZero() && t.Unix() <= 1 }
