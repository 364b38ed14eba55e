package http1

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of a Server.
type Options struct {
	// HeaderTimeout is how long the head of a request may take to arrive, from its first
	// byte on, and how long a new connection may be silent; 0: no limit.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a kept connection may be silent between two requests;
	// 0: no limit. Keep it above that of the balancer in front.
	IdleTimeout time.Duration
	// MaxHead bounds the head of a request in bytes (431); 0: 64 KiB.
	MaxHead int
	// MaxFields bounds the fields of a request (431), and of its trailers (400); 0: 200.
	MaxFields int
	// MaxTarget bounds the request target in bytes (414); 0: 8 KiB.
	MaxTarget int
	// MaxRequests is how many requests a connection answers; 0: no limit.
	MaxRequests int
	// Refused answers a request that no other handler gets: the Err of its RequestInfo is a
	// *Refusal. The request has what is known of it: "-" stands for a method and a target that
	// could not be read. nil: a plain text answers.
	Refused http.Handler
	// HTTP2 serves a connection that begins with the preface of HTTP/2 (RFC 9113 3.4), and returns
	// when it is closed; nil: the preface is refused as any other request of a wrong version.
	HTTP2 func(nc net.Conn, ends *httpx.Ends)
	// Log gets panic; nil: no records are written.
	Log hclog.Logger
}

// Server speaks HTTP/1.1 and HTTP/1.0 (RFC 9112). There is no limit on a whole request or
// answer: uploads, downloads and event streams may last.
type Server struct {
	o       Options
	lim     limits
	handler http.Handler
	log     hclog.Logger

	leaving atomic.Bool // each connection ends with its next answer
	closing atomic.Bool // Shutdown or Close was called
	closed  atomic.Bool // Close was called

	mu        sync.Mutex
	conns     map[*conn]struct{}
	listeners map[net.Listener]struct{}
	waiters   []chan struct{} // closed when no connection is left
}

// New makes a Server whose requests h answers. The ResponseWriter that h gets is a
// *httpx.Writer. h keeps nothing of the request after it has returned, but its context.
func New(h http.Handler, o Options) *Server {
	s := &Server{o: o, handler: h, log: o.Log, conns: make(map[*conn]struct{}), listeners: make(map[net.Listener]struct{})}
	if s.log == nil {
		s.log = hclog.NewNullLogger()
	}
	if s.o.Refused == nil {
		s.o.Refused = http.HandlerFunc(plainRefusal)
	}
	s.lim = limits{head: o.MaxHead, fields: o.MaxFields, target: o.MaxTarget}
	if s.lim.head == 0 {
		s.lim.head = 64 << 10
	}
	if s.lim.fields == 0 {
		s.lim.fields = 200
	}
	if s.lim.target == 0 {
		s.lim.target = 8 << 10
	}
	return s
}

// Serve accepts connections on ln, and answers them on goroutines that Shutdown waits for. It
// returns nil after Shutdown or Close. ln is closed when it returns.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	s.mu.Lock()
	if s.closing.Load() {
		s.mu.Unlock()
		return nil
	}
	s.listeners[ln] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.listeners, ln)
		s.mu.Unlock()
	}()
	for {
		nc, err := ln.Accept()
		if err != nil {
			if s.closing.Load() {
				return nil
			}
			return err
		}
		c := newConn(s, nc)
		if !s.add(c) {
			nc.Close()
			continue
		}
		go c.serve(false)
	}
}

// ServeConn answers the requests that come on nc, and returns when it is closed, or when a
// handler has taken it.
func (s *Server) ServeConn(nc net.Conn) {
	if c := newConn(s, nc); s.add(c) {
		c.serve(true)
	} else {
		nc.Close()
	}
}

// Leave has each connection end with its next answer. It does not wait.
func (s *Server) Leave() { s.leaving.Store(true) }

// Shutdown closes the listeners and the connections between two requests, lets requests
// end, and closes each connection after its answer. When ctx ends first, it returns ctx's
// error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing.Store(true)
	err := s.closeListeners()
	for _, c := range s.list() {
		c.wake()
	}
	select {
	case <-s.empty():
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// Close closes listeners and connections at once: handlers see that their clients have
// disconnected. It does not wait for them; Shutdown does, behind it too.
func (s *Server) Close() error {
	s.closing.Store(true)
	s.closed.Store(true)
	err := s.closeListeners()
	for _, c := range s.list() {
		c.kill()
	}
	return err
}

func (s *Server) closeListeners() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for ln := range s.listeners {
		if e := ln.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// add reports whether the connection is to be served.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.tell()
}

// tell closes the waiters when no connection is left. mu is held.
func (s *Server) tell() {
	if len(s.conns) > 0 {
		return
	}
	for _, w := range s.waiters {
		close(w)
	}
	s.waiters = nil
}

// empty returns a channel that is closed when no connection is left.
func (s *Server) empty() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := make(chan struct{})
	s.waiters = append(s.waiters, w)
	s.tell()
	return w
}

func (s *Server) list() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		list = append(list, c)
	}
	return list
}

// plainRefusal answers a refused request where Options.Refused is nil.
func plainRefusal(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusBadRequest
	if e, ok := httpx.Of(w).Err.(*Refusal); ok {
		status = e.Status
	}
	w.Header()["Content-Type"] = []string{"text/plain; charset=utf-8"}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(http.StatusText(status) + "\n"))
}
