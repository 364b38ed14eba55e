package server

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Options are the settings of the server itself.
type Options struct {
	// ReadHeaderTimeout is how long the head of a request may take to arrive; 0:
	// no limit.
	ReadHeaderTimeout time.Duration
	// IdleTimeout is how long a kept connection may be silent between requests;
	// 0: no limit. Keep it above that of the balancer in front.
	IdleTimeout time.Duration
	// MaxHeaderBytes bounds the head of a request, in octets (431 beyond it); 0:
	// 64 KiB.
	MaxHeaderBytes int
	// MaxConnections bounds open connections of all listeners together: beyond it
	// new ones wait in the kernel's backlog. 0: no limit.
	MaxConnections int
	// Refused hears of each request that net/http answers by itself, before any
	// handler (a malformed head: 400, one that is too large: 431, ...). nil: nobody.
	Refused func(remote string, status int)
	// Log gets net/http's messages and max_connections; nil: nobody.
	Log hclog.Logger
}

// Server is net/http with our limits. There is no limit on a whole request or
// answer: uploads, downloads and event streams may last.
type Server struct {
	http  *http.Server
	slots *slots
	log   hclog.Logger

	open    atomic.Int64
	refused func(remote string, status int)

	leaving atomic.Bool
	mu      sync.Mutex
	doors   []*patient // listeners that are served
	others  []Protocol // what else than HTTP is spoken
}

// New makes a server; Serve starts it.
func New(h http.Handler, o Options) *Server {
	logger := o.Log
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	if o.MaxHeaderBytes == 0 {
		o.MaxHeaderBytes = 64 << 10
	}
	s := &Server{log: logger, refused: o.Refused}
	if s.refused == nil {
		s.refused = func(string, int) {}
	}
	if o.MaxConnections > 0 {
		s.slots = newSlots(o.MaxConnections)
	}
	s.http = &http.Server{
		Handler:           s.front(h),
		ReadHeaderTimeout: o.ReadHeaderTimeout,
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    o.MaxHeaderBytes,
		ErrorLog:          log.New(errorLog{logger}, "", 0),
		ConnState:         s.state,
		ConnContext:       connContext,
		// OPTIONS * is the chain's, so that it has its line and its request id.
		DisableGeneralOptionsHandler: true,
	}
	if o.IdleTimeout == 0 {
		s.http.IdleTimeout = -1 // else net/http takes the other timeouts for it
	}
	return s
}

// Serve accepts connections on ln until Shutdown or Close, and then returns nil.
// It may run for several listeners at a time. ln is closed when it returns.
func (s *Server) Serve(ln net.Listener) error {
	err := s.http.Serve(s.door(ln))
	if err == http.ErrServerClosed || s.leaving.Load() {
		return nil
	}
	return err
}

// Shutdown closes the listeners, lets requests end, and closes each connection
// after its answer. When ctx ends first, it returns ctx's error; Close is then
// the caller's to call.
func (s *Server) Shutdown(ctx context.Context) error {
	others := make(chan error, 1)
	go func() { others <- s.shutdownOthers(ctx) }() // ends with ctx, and is waited for
	err := s.http.Shutdown(ctx)
	return errors.Join(err, <-others)
}

// Close closes listeners and connections at once.
func (s *Server) Close() error {
	err := s.http.Close()
	for _, p := range s.protocols() {
		err = errors.Join(err, p.Close())
	}
	return err
}

// Connections counts the open connections.
func (s *Server) Connections() int { return int(s.open.Load()) }

// state counts connections. Each one is New once, and Closed or Hijacked once.
func (s *Server) state(nc net.Conn, st http.ConnState) {
	switch st {
	case http.StateIdle: // the answer is out: what is written next answers another request
		if c, ok := nc.(*conn); ok {
			c.unseen.Store(true)
		}
	case http.StateNew:
		s.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.open.Add(-1)
		if s.slots != nil {
			s.slots.free()
		}
	}
}

// errorLog sorts net/http's messages.
type errorLog struct{ log hclog.Logger }

func (e errorLog) Write(p []byte) (int, error) {
	text := strings.TrimRight(strings.TrimPrefix(string(p), "http: "), "\n")
	switch {
	case strings.Contains(text, "panic serving"):
		e.log.Error("http", "error", text)
	case strings.Contains(text, "TLS handshake error"), strings.Contains(text, "EOF"), strings.Contains(text, "connection reset"),
		strings.Contains(text, "response.Write on hijacked"):
		e.log.Debug("http", "error", text)
	default:
		e.log.Warn("http", "error", text)
	}
	return len(p), nil
}
