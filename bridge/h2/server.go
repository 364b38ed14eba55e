package h2

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of a Server.
type Options struct {
	// IdleTimeout is how long a connection may be without a stream; 0: no limit.
	IdleTimeout time.Duration
	// WriteTimeout is how long a client may take nothing.
	WriteTimeout time.Duration
}

const (
	maxHead     = 32 << 10         // bytes of a request's fields
	maxStreams  = 100              // of a connection at a time
	pingAfter   = 30 * time.Second // of silence
	pingTimeout = 15 * time.Second // for the answer to a ping
)

// Server speaks HTTP/2 (RFC 9113) with net/http on connections that others have accepted.
type Server struct {
	web     *http.Server
	handler http.Handler
	feed    *feed
	serving sync.WaitGroup
}

// New makes a Server whose requests h answers.
func New(h http.Handler, o Options) *Server {
	s := &Server{handler: h, feed: &feed{conns: make(chan net.Conn), done: make(chan struct{})}}
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true) // TLS has ended when a connection comes here
	s.web = &http.Server{
		Handler: http.HandlerFunc(s.serve), Protocols: only, IdleTimeout: o.IdleTimeout, MaxHeaderBytes: maxHead,
		ErrorLog:    log.New(io.Discard, "", 0), // what clients do wrong; the stages log panics
		HTTP2:       &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: o.WriteTimeout},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
	s.serving.Go(func() { _ = s.web.Serve(s.feed) }) // ends with Shutdown or Close
	return s
}

type connKey struct{}

// ServeConn serves nc, which begins with the client's preface, and returns when it is closed. ends
// are those of its requests.
func (s *Server) ServeConn(nc net.Conn, ends *httpx.Ends) {
	c := &conn{Conn: nc, ends: *ends, closed: make(chan struct{})}
	select {
	case s.feed.conns <- c:
		<-c.closed
	case <-s.feed.done:
		nc.Close()
	}
}

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	rec := writers.Get().(*httpx.Writer)
	rec.Reset(w)
	rec.Info.Met(time.Now(), &c.ends)
	r.Trailer = nil
	s.handler.ServeHTTP(rec, r)
	aborted := rec.Aborted()
	rec.Reset(nil)
	writers.Put(rec)
	if aborted {
		panic(http.ErrAbortHandler) // the one way to have net/http reset a stream
	}
}

var writers = sync.Pool{New: func() any { return new(httpx.Writer) }}

// Shutdown sends GOAWAY, lets streams end, and closes the connections.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.web.Shutdown(ctx)
	s.serving.Wait()
	return err
}

// Close closes connections at once.
func (s *Server) Close() error {
	err := s.web.Close()
	s.serving.Wait()
	return err
}

// conn tells when it is closed.
type conn struct {
	net.Conn
	ends   httpx.Ends
	once   sync.Once
	closed chan struct{}
}

// Close is net.Conn's.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// feed is a net.Listener of connections that others have accepted.
type feed struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (f *feed) Accept() (net.Conn, error) {
	select {
	case c := <-f.conns:
		return c, nil
	case <-f.done:
		return nil, net.ErrClosed
	}
}

func (f *feed) Close() error {
	err := errors.New("closed already")
	f.once.Do(func() { close(f.done); err = nil })
	return err
}

func (f *feed) Addr() net.Addr { return &net.TCPAddr{} }
