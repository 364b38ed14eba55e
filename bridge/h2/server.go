package h2

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim/wire"
)

// Options are the settings of a Server.
type Options struct {
	// HeaderTimeout is how long a client may take for the preface; 0: no limit.
	HeaderTimeout time.Duration
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
	lastMoment  = time.Second      // for a preface when the server stops
)

// Server speaks HTTP/2 (RFC 9113) with net/http on connections that others have accepted.
type Server struct {
	web     *http.Server
	handler http.Handler
	feed    *feed
	serving sync.WaitGroup

	mu      sync.Mutex
	leaving bool               // Leave, Shutdown or Close was called
	waiting map[*conn]struct{} // net/http has not got their preface
}

// New makes a Server whose requests h answers.
func New(h http.Handler, o Options) *Server {
	s := &Server{handler: h, feed: &feed{conns: make(chan net.Conn), done: make(chan struct{})}, waiting: map[*conn]struct{}{}}
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true) // TLS is the connection's matter
	s.web = &http.Server{
		Handler: http.HandlerFunc(s.serve), Protocols: only, ReadHeaderTimeout: o.HeaderTimeout, IdleTimeout: o.IdleTimeout, MaxHeaderBytes: maxHead,
		ErrorLog:    log.New(io.Discard, "", 0), // what clients do wrong; the stages log panics
		HTTP2:       &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: o.WriteTimeout},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState:   s.changed,
	}
	s.serving.Go(func() { _ = s.web.Serve(s.feed) }) // ends with Leave, Shutdown or Close
	return s
}

type connKey struct{}

// secured is a connection over TLS whose handshake is done.
type secured interface {
	State() *tls.ConnectionState
	Variables() []wire.Var
}

// ServeConn serves nc, and returns when it is closed. A connection over TLS has the methods of
// secured.
func (s *Server) ServeConn(nc net.Conn) {
	c := newConn(nc, httpx.EndsOf(nc.RemoteAddr().String(), nc.LocalAddr()))
	if t, ok := nc.(secured); ok {
		c.tls, c.ends.TLS, c.ends.Extra = t.State(), true, t.Variables()
	}
	s.take(c)
}

// ServeBegun serves nc, whose client is known to have sent the preface, and returns when it is
// closed. ends are those of its requests.
func (s *Server) ServeBegun(nc net.Conn, ends *httpx.Ends) { s.take(newConn(nc, *ends)) }

func (s *Server) take(c *conn) {
	if !s.wait(c) {
		c.refuse()
		return
	}
	select {
	case s.feed.conns <- c:
		<-c.closed
		s.begun(c)
	case <-s.feed.done:
		s.begun(c)
		c.refuse()
	}
}

// wait notes that c's preface is to come; false: no connection is served any more.
func (s *Server) wait(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leaving {
		s.waiting[c] = struct{}{}
	}
	return !s.leaving
}

// begun is called when c's preface has come, or c is closed. It reports whether the server is leaving.
func (s *Server) begun(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, c)
	return s.leaving
}

// changed is net/http's ConnState. A connection becomes idle when its preface has come: then
// net/http tells it about a Shutdown, but not about one that was before.
func (s *Server) changed(nc net.Conn, to http.ConnState) {
	if to != http.StateIdle || !s.begun(nc.(*conn)) {
		return
	}
	_ = nc.SetReadDeadline(time.Time{}) // Leave may have set it
	s.goAway()
}

// gone is a context that has ended.
var gone = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// goAway has net/http send GOAWAY on all connections, and take no further one. It does not wait.
func (s *Server) goAway() { _ = s.web.Shutdown(gone) }

// Leave sends GOAWAY: streams that run are answered, and connections without one end within a
// second. Further connections get GOAWAY at once. It does not wait.
func (s *Server) Leave() {
	s.mu.Lock()
	first := !s.leaving
	s.leaving = true
	for c := range s.waiting {
		_ = c.SetReadDeadline(time.Now().Add(lastMoment))
	}
	s.mu.Unlock()
	if first {
		s.goAway()
	}
}

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	rec := writers.Get().(*httpx.Writer)
	rec.Reset(w)
	rec.Info.Met(time.Now(), &c.ends)
	r.Trailer, r.TLS = nil, c.tls
	s.handler.ServeHTTP(rec, r)
	aborted := rec.Aborted()
	rec.Reset(nil)
	writers.Put(rec)
	if aborted {
		panic(http.ErrAbortHandler) // the one way to have net/http reset a stream
	}
}

var writers = sync.Pool{New: func() any { return new(httpx.Writer) }}

// Shutdown is Leave, and waits until the connections are closed. When ctx ends first, it returns
// ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Leave()
	err := s.web.Shutdown(ctx)
	s.serving.Wait()
	return err
}

// Close closes connections at once.
func (s *Server) Close() error {
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
	err := s.web.Close()
	s.serving.Wait()
	return err
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
