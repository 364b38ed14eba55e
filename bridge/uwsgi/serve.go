package uwsgi

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of a Server.
type Options struct {
	// HeaderTimeout is how long a packet may take to arrive, without its body; 0: no
	// limit.
	HeaderTimeout time.Duration
	// MaxHead bounds a packet's variables, in bytes (431 beyond it); 0: the protocol's
	// limit, 65,535.
	MaxHead int
	// Refused is called for each packet that is answered with an error before there is a
	// request; nil: it is not called.
	Refused func(remote string, status int)
	// Log gets uwsgi_refused, uwsgi_cut_unseen and panic; nil: no log.
	Log hclog.Logger
}

// Server answers uwsgi requests with an http.Handler. Serve may run for several
// listeners at a time.
type Server struct {
	o         Options
	h         http.Handler
	log       hclog.Logger
	refused   httpx.LogLimiter // refusals, by peer and reason
	cutUnseen httpx.LogLimiter

	lastMoment time.Duration // the constant; tests have another one

	mu        sync.Mutex
	stopping  bool
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	running   sync.WaitGroup // goroutines of all acceptors
}

// lastMoment is how long a connection without a byte yet may still send its packet when the
// server stops: the packet may be on its way.
const lastMoment = 500 * time.Millisecond

// New makes a Server. The ResponseWriter that h gets is a *httpx.Writer.
func New(h http.Handler, o Options) *Server {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Refused == nil {
		o.Refused = func(string, int) {}
	}
	if o.MaxHead <= 0 || o.MaxHead > maxVars {
		o.MaxHead = maxVars
	}
	return &Server{o: o, h: h, log: o.Log, refused: httpx.LogLimiter{Every: time.Minute}, cutUnseen: httpx.LogLimiter{Every: time.Minute}, lastMoment: lastMoment,
		listeners: map[net.Listener]struct{}{}, conns: map[*conn]struct{}{}}
}

// Serve accepts connections on ln, a listener of a listen.Group, until Shutdown or Close, and then returns nil, or
// until ln fails. ln is closed when it returns.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return nil
	}
	s.listeners[ln] = struct{}{}
	s.running.Add(1) // of the first acceptor
	s.mu.Unlock()
	err := newAcceptors(s, ln).run()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
	if s.stopping {
		return nil
	}
	return err
}

// add counts c; false: the server has been closed.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		return false
	}
	s.conns[c] = struct{}{}
	c.await(s.o.HeaderTimeout, s.stopping)
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// Leave does nothing: each connection ends with its one answer.
func (s *Server) Leave() {}

// Shutdown closes the listeners and waits until all requests are answered. When ctx
// ends first, it returns ctx's error; Close is then the caller's to call.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	for ln := range s.listeners {
		ln.Close()
	}
	for c := range s.conns {
		c.hurry()
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends with the acceptors: when the last connection ends, at Close at the latest
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close closes listeners and connections at once. It does not wait for handlers,
// whose requests are canceled.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	for ln := range s.listeners {
		ln.Close()
	}
	for c := range s.conns {
		c.link.Close()
	}
	s.conns = nil
	return nil
}
