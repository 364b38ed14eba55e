package https

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
)

// Protocol serves connections whose clients have negotiated it.
type Protocol interface {
	// ServeConn serves nc, which is a *Conn whose handshake is done, and returns when nc is
	// closed, or does not need the caller's goroutine any more.
	ServeConn(nc net.Conn)
	// Leave has each connection end soon, without cutting a request. It does not wait.
	Leave()
	// Shutdown lets requests end, and closes each connection. When ctx ends first, it returns
	// ctx's error.
	Shutdown(ctx context.Context) error
	// Close closes connections at once.
	Close() error
}

// Named is a Protocol with its name in ALPN.
type Named struct {
	Name string // "http/1.1", "h2"
	Protocol
}

// ClientAuth says whether clients are asked for certificates.
type ClientAuth int

// The values of Options.ClientAuth.
const (
	NoClientAuth      ClientAuth = iota
	RequestClientAuth            // a client may have none, or one that does not verify: SSL_CLIENT_VERIFY says so
	RequireClientAuth            // without one that verifies there is no connection
)

// Options are the settings of a Server.
type Options struct {
	// Certificate chooses one by the client's hello. ErrNoCertificate: there is none for it. It may
	// wait: it is called without a slot of package cpu.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Protocols are the servers behind this one, the preferred one first; clients that negotiate
	// nothing get the one named "http/1.1".
	Protocols []Named
	// Settings are those of the start.
	Settings
	// HandshakeTimeout is how long a handshake may take, about as exactly as a second; 0: no
	// limit.
	HandshakeTimeout time.Duration
	// Alternative has the value of Alt-Svc for all answers, as httpx.Ends has it; nil: there is none.
	Alternative *atomic.Pointer[string]
	// Done is called for each handshake that succeeds; nil: it is not called.
	Done func(*tls.ConnectionState)
	// Failed is called for each handshake that fails, with the reason (failure.go); nil: it is
	// not called.
	Failed func(reason string)
	// Refused is called for each connection that speaks plain HTTP and gets an answer with the
	// status; nil: it is not called.
	Refused func(remote string, status int)
	// Log gets handshake_failed; nil: no records are written.
	Log hclog.Logger
}

// ErrNoCertificate: there is no certificate for the name that the client asks for.
var ErrNoCertificate = errors.New("no certificate for this name")

// ErrNotIssued: a certificate is made when a client asks for its name, and that has failed.
var ErrNotIssued = errors.New("no certificate was issued for this name")

// Server is the way in. It is a listen.Protocol.
type Server struct {
	o        Options
	policy   atomic.Pointer[policy]
	fallback Protocol // for clients that negotiate nothing
	failures httpx.LogLimiter

	closing atomic.Bool // Shutdown or Close was called
	closed  atomic.Bool // Close was called

	listeners listeners

	mu      sync.Mutex
	tickets [][32]byte         // their keys; nil: each policy has its own
	shaking map[*Conn]struct{} // their handshakes are under way
	idle    chan struct{}      // closed when shaking is empty; nil: nothing waits
}

// New makes a Server.
func New(o Options) *Server {
	s := &Server{o: o, failures: httpx.LogLimiter{Every: time.Minute}, shaking: map[*Conn]struct{}{}}
	if s.o.Log == nil {
		s.o.Log = hclog.NewNullLogger()
	}
	for _, p := range o.Protocols {
		if p.Name == "http/1.1" {
			s.fallback = p.Protocol
		}
	}
	s.Set(o.Settings)
	return s
}

// Serve accepts connections on ln, a listener of a listen.Group. It returns nil after Shutdown
// or Close. ln is closed when it returns.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	if !s.listeners.add(ln) {
		return nil
	}
	defer s.listeners.remove(ln)
	for {
		nc, err := ln.Accept()
		switch {
		case err != nil && s.closing.Load():
			return nil
		case err != nil:
			return err
		}
		inner, ok := nc.(*listen.Conn)
		if !ok {
			nc.Close()
			return errors.New("https: the listener is not one of a listen.Group")
		}
		c := newConn(s, inner)
		if !s.begin(c) {
			inner.Close()
			continue
		}
		go s.serve(c)
	}
}

// Leave has each connection end with its next answer. It does not wait.
func (s *Server) Leave() {
	for _, p := range s.o.Protocols {
		p.Leave()
	}
}

// lastMoment is how long a handshake that is under way may take when the server stops.
const lastMoment = time.Second

// Shutdown closes the listeners, gives handshakes that are under way a moment, and shuts down
// the Protocols. When ctx ends first, it returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing.Store(true)
	err := s.listeners.close()
	s.Leave()
	for _, c := range s.list() {
		_ = c.inner.SetReadDeadline(time.Now().Add(lastMoment))
	}
	select {
	case <-s.settled():
	case <-ctx.Done():
	}
	errs := make([]error, len(s.o.Protocols))
	var wg sync.WaitGroup
	for i, p := range s.o.Protocols {
		wg.Go(func() { errs[i] = p.Shutdown(ctx) })
	}
	wg.Wait()
	return errors.Join(err, errors.Join(errs...))
}

// Close closes listeners and connections at once.
func (s *Server) Close() error {
	s.closing.Store(true)
	s.closed.Store(true)
	err := s.listeners.close()
	for _, c := range s.list() {
		_ = c.inner.Close()
	}
	for _, p := range s.o.Protocols {
		err = errors.Join(err, p.Close())
	}
	<-s.settled()
	return err
}

// begin notes a handshake; false: the server is closed.
func (s *Server) begin(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return false
	}
	s.shaking[c] = struct{}{}
	return true
}

func (s *Server) end(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.shaking, c)
	s.tell()
}

// settled returns a channel that is closed when no handshake is under way.
func (s *Server) settled() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	s.tell()
	return idle
}

// tell closes idle when no handshake is under way. mu is held.
func (s *Server) tell() {
	if len(s.shaking) == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

func (s *Server) list() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Conn, 0, len(s.shaking))
	for c := range s.shaking {
		list = append(list, c)
	}
	return list
}
