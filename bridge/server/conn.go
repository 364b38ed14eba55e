package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
)

// conn is a client's connection. It notices the answers that net/http makes by
// itself, for requests that it refuses and no handler sees.
type conn struct {
	net.Conn
	unseen  atomic.Bool // since the last answer no handler has been called
	refused func(remote string, status int)
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
	return c.Conn.Write(p)
}

// ReadFrom keeps the way open for sendfile.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if rf, ok := c.Conn.(io.ReaderFrom); ok {
		return rf.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c.Conn}, r)
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
