package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// conn is a client's connection. It notices the answers that net/http makes by
// itself, for requests that it refuses and no handler sees. It bounds how slow its
// client may take answers (pace.go), and lingers where a request body was not read.
type conn struct {
	net.Conn
	srv    *Server
	speaks bool        // net/http serves it; else a Protocol, which lingers by itself
	unseen atomic.Bool // since the last answer no handler has been called
	owed   atomic.Bool // a client that was answered may still be sending
	ends   func() ends // the same at each call
	once   sync.Once   // of Close
	held   held
	reads  readLimit
	pace   pace
	begun  bool // something of the first request has come
}

func (s *Server) newConn(nc net.Conn) *conn {
	c := &conn{Conn: nc, srv: s, speaks: true}
	c.unseen.Store(true)
	c.ends = sync.OnceValue(func() ends { return endsOf(nc.RemoteAddr().String(), nc.LocalAddr()) }) // not on Accept's time
	s.conns.add(c)
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
			c.owed.Store(true) // the rest of that request
			c.srv.refused(c.RemoteAddr().String(), status)
		}
	}
	if c.held.first == nil && c.held.takes(p) {
		return len(p), nil
	}
	if !c.pace.begin() {
		return 0, os.ErrDeadlineExceeded
	}
	defer c.pace.end()
	if c.held.first != nil || c.held.lines != nil || c.held.phrased {
		return c.writeAll(p)
	}
	return c.writePieces(p)
}

// What one call writes, or sends of a file, at most; bytes. Where the system does not tell
// what the client has taken of it meanwhile, the ends of the calls show that.
const (
	onePiece  = 64 << 10
	filePiece = 1 << 20
)

// writePieces writes p in pieces of which it is known whether the client takes them.
func (c *conn) writePieces(p []byte) (done int, err error) {
	for {
		piece := p[done:min(len(p), done+onePiece)]
		n, err := c.Conn.Write(piece)
		c.pace.wrote(n)
		done += n
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

// ReadFrom sends files by sendfile(2), where the system can.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	tcp, isTCP := c.Conn.(*net.TCPConn)
	lr, _ := r.(*io.LimitedReader)
	if lr == nil {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	file, _ := lr.R.(*os.File)
	if file == nil {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	if isTCP && sendsFiles {
		if !c.pace.begin() {
			return 0, os.ErrDeadlineExceeded
		}
		defer c.pace.end()
		if err := c.release(); err != nil {
			return 0, err
		}
		n, ok, err := sendFile(tcp, file, lr.N)
		if ok {
			lr.N -= n
			c.pace.wrote(int(n))
			return n, err
		}
	}
	return io.Copy(struct{ io.Writer }{c}, io.LimitReader(httpx.DiskFile{File: file}, lr.N))
}

// CloseWrite is for net/http, which closes a connection in two steps when a request
// body was not read: this is where it waits for the client.
func (c *conn) CloseWrite() error {
	if c.speaks {
		c.linger()
		return nil
	}
	return c.closeWrite()
}

func (c *conn) closeWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}

func (c *conn) linger() {
	c.owed.Store(false)
	if !c.pace.tooSlow() && !c.srv.closing.Load() && c.closeWrite() == nil {
		httpx.Linger(c.Conn, c.srv.hurried)
	}
}

// unread is called behind each request that has a body: with true, if that was not read
// and its client is to get its answer all the same. closes: the answer ends the
// connection, so nothing more is read of the body than linger reads.
func (c *conn) unread(owed, closes bool) {
	c.owed.Store(owed)
	if owed && closes {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
}

// Close closes the connection, and gives its place among max_connections back: also
// when it was upgraded, and net/http does not know it any more.
func (c *conn) Close() error {
	if c.owed.Load() {
		c.linger()
	}
	err := c.Conn.Close()
	c.once.Do(func() {
		c.srv.conns.remove(c)
		if c.srv.slots != nil {
			c.srv.slots.free()
		}
	})
	return err
}

// reset makes the coming close a TCP reset: where the end of the connection is
// the end of the body (HTTP/1.0), a plain close would make half an answer look
// whole. A unix socket has no such thing.
func (c *conn) reset() { _ = c.SetLinger(0) }

// SetLinger is net.TCPConn's; a unix socket has no such thing.
func (c *conn) SetLinger(sec int) error {
	if l, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return l.SetLinger(sec)
	}
	return http.ErrNotSupported
}
