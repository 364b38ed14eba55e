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
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim/wire"
)

// Options are the settings of a Server.
type Options struct {
	// HeaderTimeout is how long a client may take for the preface; 0: no limit.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection may be without a stream; 0: no limit.
	IdleTimeout time.Duration
	// Pace is how slow clients may be with their answers; nil: as slow as they like.
	Pace func() *httpx.Pace
	// Ended is called for each connection that ends because of what its client does, with the
	// reason; nil: it is not called.
	Ended func(reason string)
	// Slowed is called for each connection whose client sends so many tiny frames that it is made
	// to wait; nil: it is not called.
	Slowed func()
	// Refused is called for each request that net/http answers or resets by itself; nil: it is not
	// called.
	Refused func(Refusal)
	// Log gets connection_ended, connection_slowed and slow_client; nil: no records are written.
	Log hclog.Logger
}

// Refusal is a request that no handler gets.
type Refusal struct {
	Remote string
	Status int    // 400 for a stream that was reset
	Reason string // "head_too_large", "connection_field", "stream_error"
	Text   string // the reason as a sentence's part
}

const (
	maxHead     = 32 << 10         // bytes of a request's fields
	maxStreams  = 100              // of a connection at a time
	maxFrame    = 16 << 10         // bytes of a frame's payload, the least that may be
	pingAfter   = 30 * time.Second // of silence
	pingTimeout = 15 * time.Second // for the answer to a ping
	lastMoment  = time.Second      // for a preface when the server stops
)

// Server speaks HTTP/2 (RFC 9113) with net/http on connections that others have accepted.
type Server struct {
	o       Options
	web     *http.Server
	handler http.Handler
	feed    *feed
	serving sync.WaitGroup
	streams streams
	records records

	lastMoment, grace time.Duration // the constants; tests have others

	left chan struct{} // closed by Leave, Shutdown or Close

	mu      sync.Mutex
	leaving bool               // left is closed
	late    *time.Timer        // sends GOAWAY to connections that did not answer a ping
	waiting map[*conn]struct{} // net/http has not got their preface
	conns   map[*conn]struct{} // all
	empty   chan struct{}      // closed when conns is empty; nil: nothing waits
}

// New makes a Server whose requests h answers.
func New(h http.Handler, o Options) *Server {
	s := &Server{o: o, handler: h, feed: &feed{conns: make(chan net.Conn), done: make(chan struct{})}, left: make(chan struct{}),
		waiting: map[*conn]struct{}{}, conns: map[*conn]struct{}{}, lastMoment: lastMoment, grace: grace}
	if s.o.Log == nil {
		s.o.Log = hclog.NewNullLogger()
	}
	if s.o.Pace == nil {
		s.o.Pace = func() *httpx.Pace { return new(httpx.Pace) }
	}
	s.records = records{&s.o, httpx.LogLimiter{Every: time.Minute}}
	s.streams = streams{pace: s.o.Pace, slow: s.records.slowReader, tails: s.tails}
	only := new(http.Protocols)
	only.SetUnencryptedHTTP2(true) // TLS is the connection's matter
	s.web = &http.Server{
		Handler: http.HandlerFunc(s.serve), Protocols: only, ReadHeaderTimeout: o.HeaderTimeout, IdleTimeout: o.IdleTimeout, MaxHeaderBytes: maxHead,
		DisableGeneralOptionsHandler: true,                       // the stages answer OPTIONS *
		ErrorLog:                     log.New(io.Discard, "", 0), // what clients do wrong; the stages log panics
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: maxStreams, MaxReadFrameSize: maxFrame, SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		ConnContext:                  func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState:                    s.changed,
	}
	s.serving.Go(func() { _ = s.web.Serve(s.feed) }) // ends with Leave, Shutdown or Close
	return s
}

type connKey struct{}

// secured is a connection over TLS whose handshake is done.
type secured interface {
	State() *tls.ConnectionState
	Variables() []wire.Var
	Alternative() *atomic.Pointer[string]
}

// ServeConn serves nc, and returns when it is closed. A connection over TLS has the methods of
// secured.
func (s *Server) ServeConn(nc net.Conn) {
	c := newConn(s, nc, httpx.EndsOf(nc.RemoteAddr().String(), nc.LocalAddr()))
	if t, ok := nc.(secured); ok {
		c.tls, c.ends.TLS, c.ends.Extra, c.ends.Alt = t.State(), true, t.Variables(), t.Alternative()
	}
	s.take(c)
}

// ServeBegun serves nc, whose client is known to have sent the preface, and returns when it is
// closed. ends are those of its requests.
func (s *Server) ServeBegun(nc net.Conn, ends *httpx.Ends) { s.take(newConn(s, nc, *ends)) }

func (s *Server) take(c *conn) {
	if !s.wait(c) {
		c.refuse()
		return
	}
	defer s.gone(c)
	select {
	case s.feed.conns <- c:
		c.stay(s.left)
	case <-s.feed.done:
		c.refuse()
	}
}

// wait notes that c's preface is to come; false: no connection is served any more.
func (s *Server) wait(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leaving {
		s.waiting[c], s.conns[c] = struct{}{}, struct{}{}
	}
	return !s.leaving
}

// gone is called when c is closed.
func (s *Server) gone(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, c)
	delete(s.conns, c)
	s.tell()
}

// tell closes empty when there is no connection. mu is held.
func (s *Server) tell() {
	if len(s.conns) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// settled returns a channel that is closed when there is no connection.
func (s *Server) settled() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.tell()
	return empty
}

// begun is called when c's preface has come. It reports whether that was the first call, and the server is leaving.
func (s *Server) begun(c *conn) (late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, first := s.waiting[c]
	delete(s.waiting, c)
	return first && s.leaving
}

// changed is net/http's ConnState. A connection becomes idle when its preface has come, and whenever
// it has no stream any more.
func (s *Server) changed(nc net.Conn, to http.ConnState) {
	c := nc.(*conn)
	switch to {
	case http.StateActive:
		c.idle.Store(false)
	case http.StateIdle:
		c.idle.Store(true)
		switch {
		case !c.begins.Swap(true) && s.begun(c):
			_ = nc.SetReadDeadline(time.Time{}) // Leave may have set it
			c.wake()
		case c.out.goneAway.Load():
			c.wake()
		}
	}
}

func (s *Server) isLeaving() bool {
	select {
	case <-s.left:
		return true
	default:
		return false
	}
}

// over is a context that has ended.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// goAway has net/http send GOAWAY on all connections. It does not wait.
func (s *Server) goAway() { _ = s.web.Shutdown(over) }

// Leave sends GOAWAY: streams that run are answered, and connections without one are closed as soon
// as their clients have answered a ping, or within two seconds. Further connections get GOAWAY at
// once. It does not wait.
func (s *Server) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving {
		return
	}
	s.leaving = true
	for c := range s.waiting {
		_ = c.SetReadDeadline(time.Now().Add(s.lastMoment))
	}
	s.late = time.AfterFunc(s.grace, s.goAway) // Shutdown and Close stop it
	close(s.left)
}

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	a := answers.Get().(*answer)
	a.stream.ResponseWriter, a.stream.conn = w, c
	a.rec.Reset(&a.stream)
	a.rec.Info.Met(time.Now(), &c.ends)
	c.ends.Announce(&a.rec.Defaults)
	r.Trailer, r.TLS = nil, c.tls
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &upload{r.Body, c, r}
	}
	c.running.Add(1)
	s.streams.add(&a.stream)
	s.handler.ServeHTTP(&a.rec, r)
	s.streams.remove(&a.stream)
	aborted, size := a.rec.Aborted(), a.rec.Bytes()
	a.stream.clear()
	a.rec.Reset(nil)
	answers.Put(a)
	if r.Context().Err() == nil {
		c.tally.answered.Add(1)
	} else {
		c.tally.cancelled.Add(1)
	}
	if silence := s.o.Pace().Silence; silence > 0 && size >= c.window.Load() { // net/http may still wait for the client
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(silence))
	}
	c.running.Add(-1)
	if aborted {
		panic(http.ErrAbortHandler) // the one way to have net/http reset a stream
	}
}

// answer is what the server has of one request.
type answer struct {
	rec    httpx.Writer
	stream stream
}

var answers = sync.Pool{New: func() any { return new(answer) }}

// Shutdown is Leave, and waits until the connections are closed. When ctx ends first, it returns
// ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Leave()
	late := time.NewTimer(s.grace)
	defer late.Stop()
	select {
	case <-s.settled():
	case <-late.C:
	case <-ctx.Done():
	}
	err := s.web.Shutdown(ctx)
	s.late.Stop()
	s.serving.Wait()
	if err == nil {
		s.streams.end()
	}
	return err
}

// Close closes connections at once.
func (s *Server) Close() error {
	s.Leave()
	s.late.Stop()
	err := s.web.Close()
	s.serving.Wait()
	s.streams.end()
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
