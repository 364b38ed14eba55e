package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a client's connection. It notices the answers that net/http makes by
// itself, for requests that it refuses and no handler sees.
type conn struct {
	net.Conn
	unseen  atomic.Bool // since the last answer no handler has been called
	refused func(remote string, status int)
	ends    func() ends  // the same at each call
	limit   atomic.Int64 // nanoseconds that the last SetWriteDeadline gave; 0: no deadline
	held    held
	reads   readLimit
	begun   bool // something of the first request has come
}

func newConn(nc net.Conn, refused func(remote string, status int)) *conn {
	c := &conn{Conn: nc, refused: refused}
	c.unseen.Store(true)
	c.ends = sync.OnceValue(func() ends { return endsOf(nc.RemoteAddr().String(), nc.LocalAddr()) }) // not on Accept's time
	return c
}

type connKey struct{}

// connOf returns the connection of a request; nil: it came in another way.
func connOf(r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}

func connContext(ctx context.Context, nc net.Conn) context.Context {
	if c, ok := nc.(*conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// Write looks for a status line that answers a request nobody has seen. net/http
// writes each such answer at once.
func (c *conn) Write(p []byte) (int, error) {
	if c.unseen.Load() && len(p) >= 12 && string(p[:5]) == "HTTP/" && p[8] == ' ' {
		if status, err := strconv.Atoi(string(p[9:12])); err == nil && status >= 400 && c.unseen.Swap(false) {
			c.refused(c.RemoteAddr().String(), status)
		}
	}
	if c.held.first == nil && c.held.takes(p) {
		return len(p), nil
	}
	if c.held.first != nil || c.held.lines != nil || c.held.phrased {
		return c.writeAll(p)
	}
	done := 0
	for s := (slow{conn: c}); ; {
		n, err := c.Conn.Write(p[done:])
		done += n
		if err == nil || !s.goesOn(err, n > 0) {
			return done, err
		}
	}
}

// ReadFrom keeps the way open for sendfile.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	tcp, ok := c.Conn.(*net.TCPConn)
	if lr, limited := r.(*io.LimitedReader); ok && limited {
		_, ok = lr.R.(*os.File)
	} else {
		ok = false
	}
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	if err := c.release(); err != nil {
		return 0, err
	}
	for s := (slow{conn: c}); ; {
		n, err := tcp.ReadFrom(r)
		if err == nil || n > 0 || !s.goesOn(err, false) { // who has sent a part goes on by himself
			return n, err
		}
	}
}

// SetWriteDeadline bounds the time in which the client takes nothing: while it
// takes something, however little, the time begins anew.
func (c *conn) SetWriteDeadline(t time.Time) error {
	d := time.Duration(0)
	if !t.IsZero() {
		d = max(time.Until(t), 0)
	}
	c.limit.Store(int64(d))
	return c.Conn.SetWriteDeadline(t)
}

// slow is one write to a client that may be slow. The kernel wakes a writer only
// when a good part of its buffer is free, which takes a slow client minutes: so it is
// asked how much of the buffer the client has still to take.
type slow struct {
	conn   *conn
	looked bool
	unsent int // octets, at the last look
}

// goesOn reports whether a write that failed with err is to be taken up again, and
// gives it more time: a quarter of what it had.
func (s *slow) goesOn(err error, wrote bool) bool {
	limit := time.Duration(s.conn.limit.Load())
	if limit <= 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	now, known := unsent(s.conn.Conn)
	took := wrote || !s.looked || now < s.unsent
	if !known || !took {
		return wrote && s.conn.Conn.SetWriteDeadline(time.Now().Add(limit)) == nil
	}
	s.looked, s.unsent = true, now
	return s.conn.Conn.SetWriteDeadline(time.Now().Add(limit/4)) == nil
}

// CloseWrite is for net/http, which closes a connection in two steps.
func (c *conn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}

// reset makes the coming close a TCP reset: where the end of the connection is
// the end of the body (HTTP/1.0), a plain close would make half an answer look
// whole. A unix socket has no such thing.
func (c *conn) reset() {
	if l, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0)
	}
}
