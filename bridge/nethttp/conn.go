package nethttp

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
	"github.com/standpipe/standpipe/bridge/listen"
)

// conn is a client's connection as net/http sees it. It notices the answers that net/http
// makes itself, for requests that no handler sees, joins writes (coalescer.go), spares
// deadlines (readlimit.go), and lingers where a request body was not read.
type conn struct {
	net.Conn  // is link
	link      *listen.Conn
	srv       *Server
	unseen    atomic.Bool       // since the last answer no handler has been called
	owed      atomic.Bool       // a client that was answered may still be sending
	ends      func() httpx.Ends // the same at each call
	coalescer coalescer
	reads     readLimit
	begun     bool // something of the first request has come
}

func newConn(s *Server, link *listen.Conn) *conn {
	c := &conn{Conn: link, link: link, srv: s}
	c.unseen.Store(true)
	c.ends = sync.OnceValue(func() httpx.Ends { return httpx.EndsOf(link.RemoteAddr().String(), link.LocalAddr()) }) // not on Accept's time
	return c
}

// listener accepts the connections of a listen.Group for net/http.
type listener struct {
	net.Listener
	srv *Server
}

func (l listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConn(l.srv, nc.(*listen.Conn)), nil
}

type connKey struct{}

// connOf returns the connection of a request.
func connOf(r *http.Request) *conn { return r.Context().Value(connKey{}).(*conn) }

func connContext(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, nc)
}

// Write looks for a status line that answers a request that no handler has seen. net/http
// writes each such answer at once.
func (c *conn) Write(p []byte) (int, error) {
	if c.unseen.Load() && len(p) >= 12 && string(p[:5]) == "HTTP/" && p[8] == ' ' {
		if status, err := strconv.Atoi(string(p[9:12])); err == nil && status >= 400 && c.unseen.Swap(false) {
			c.owed.Store(true) // the rest of that request
			c.srv.refused(c.RemoteAddr().String(), status)
		}
	}
	switch {
	case c.coalescer.takes(p):
		return len(p), nil
	case c.coalescer.idle():
		return c.link.Write(p)
	}
	return c.coalescer.writeWith(c.link, p)
}

// ReadFrom sends files with sendfile(2), where the system can.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if lr, ok := r.(*io.LimitedReader); ok {
		if _, file := lr.R.(*os.File); file {
			if err := c.coalescer.release(c.link); err != nil {
				return 0, err
			}
			return c.link.ReadFrom(r)
		}
	}
	return io.Copy(struct{ io.Writer }{c}, r)
}

// CloseWrite is for net/http, which closes a connection in two steps when a request body
// was not read: here it waits for the client.
func (c *conn) CloseWrite() error {
	c.linger()
	return nil
}

func (c *conn) linger() {
	c.owed.Store(false)
	if !c.srv.closing.Load() {
		_ = c.link.LingeringClose()
	}
}

// Close closes the connection. It may linger before that.
func (c *conn) Close() error {
	if c.owed.Load() {
		c.linger()
	}
	return c.link.Close()
}

// SetLinger is net.TCPConn's.
func (c *conn) SetLinger(sec int) error { return c.link.SetLinger(sec) }

// idle: the answer is out, and its request read: what is written next answers another one.
func (c *conn) idle() {
	c.unseen.Store(true)
	c.owed.Store(false)
}

// unwantedBody bounds the time in which a body comes that no handler reads. A handler that
// reads a body sets deadlines (body.Body).
const unwantedBody = 10 * time.Second

// begin prepares the connection and rec for the request r.
func (c *conn) begin(rec *httpx.Writer, r *http.Request) {
	c.unseen.Store(false)
	c.coalescer.reset()
	now := time.Now()
	if r.ContentLength != 0 { // what net/http itself reads of a body that no handler reads
		_ = c.SetReadDeadline(now.Add(unwantedBody))
	}
	e := c.ends()
	rec.Info.Met(now, &e, r.TLS != nil)
	rec.Over(c)
	// net/http takes a chunked request that has a Content-Length too, and reads an
	// HTTP/1.0 request's chunks as the next request. A server in front of us may see
	// other borders, so nothing more is read from such a connection (RFC 9112 6.1).
	if r.ProtoMinor == 0 || len(r.TransferEncoding) > 0 || c.srv.leaving.Load() {
		rec.EndConnection()
	}
}

// end is called when the handler has returned. aborted: the answer is not to be ended.
func (c *conn) end(rec *httpx.Writer, r *http.Request) (aborted bool) {
	aborted = rec.Aborted()
	if aborted && rec.Info.Aborted && r.ProtoMajor == 1 && r.ProtoMinor == 0 && !httpx.Sized(rec) {
		// The end of the connection is the end of the body: a plain close would make half an
		// answer look whole. A unix socket has no resets.
		_ = c.link.SetLinger(0)
	}
	if r.ContentLength == 0 {
		return aborted
	}
	owed := !aborted && !rec.Info.BodyRead // the client is to get its answer all the same
	c.owed.Store(owed)
	if owed && rec.Header()["Connection"] != nil {
		// The answer ends the connection, so net/http is to read no more of the body than
		// linger does.
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
	return aborted
}

// closeField is shared by all answers: net/http only reads it.
var closeField = []string{"close"}

// EndAfter is httpx.Connection's.
func (c *conn) EndAfter(h http.Header) { h["Connection"] = closeField }

// Gather is httpx.Wire's.
func (c *conn) Gather(on bool) { c.coalescer.within.Store(on) }

// Lines is httpx.Wire's.
func (c *conn) Lines(lines []byte) { c.coalescer.lines = lines }

// Phrase is httpx.Phraser's.
func (c *conn) Phrase(reason string) { c.coalescer.phrase, c.coalescer.phrased = reason, true }
