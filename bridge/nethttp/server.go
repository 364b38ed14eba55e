package server

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
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
	// MaxConnections bounds open connections of all listeners together, upgraded ones
	// too: beyond it new ones wait in the kernel's backlog. 0: no limit.
	MaxConnections int
	// Limits bound how slow clients may be; see SetLimits.
	Limits Limits
	// Refused hears of each request that net/http answers by itself, before any
	// handler (a malformed head: 400, one that is too large: 431, ...). nil: nobody.
	Refused func(remote string, status int)
	// Log gets net/http's messages, accept_paused and slow_client; nil: nobody.
	Log hclog.Logger
}

// Server is net/http with our limits. There is no limit on a whole request or
// answer: uploads, downloads and event streams may last.
type Server struct {
	http  *http.Server
	slots *slots
	log   hclog.Logger

	conns   conns
	refused func(remote string, status int)
	limiter httpx.LogLimiter // slow_client

	leaving  atomic.Bool
	stopping atomic.Bool // Shutdown was called
	closing  atomic.Bool // Close was called
	mu       sync.Mutex
	doors    []*patient // listeners that are served
	others   []Protocol // what else than HTTP is spoken
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
	s := &Server{log: logger, refused: o.Refused, limiter: httpx.LogLimiter{Every: time.Minute}}
	s.conns.slow = s.slowClient
	s.SetLimits(o.Limits)
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
	// A limit of net/http since Go 1.27.4, 500 by default. The size of the head is the limit here: no field is shorter than "a:\r\n".
	if f := reflect.ValueOf(s.http).Elem().FieldByName("MaxHeaderValueCount"); f.IsValid() {
		f.SetInt(int64(o.MaxHeaderBytes / 4))
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
	s.stopping.Store(true)
	others := make(chan error, 1)
	go func() { others <- s.shutdownOthers(ctx) }() // ends with ctx, and is waited for
	err := s.http.Shutdown(ctx)
	return errors.Join(err, <-others)
}

// Close closes listeners and connections at once, upgraded ones too.
func (s *Server) Close() error {
	s.closing.Store(true)
	err := s.http.Close()
	for _, p := range s.protocols() {
		err = errors.Join(err, p.Close())
	}
	for _, c := range s.conns.list() {
		c.Close()
	}
	return err
}

// SetLimits puts other limits in force, for open connections too.
func (s *Server) SetLimits(l Limits) { s.conns.limits.Store(&l) }

// Connections counts the open connections, upgraded ones too.
func (s *Server) Connections() int { return s.conns.count() }

// hurried: connections are not to linger for long, because the server stops, or because
// their places are wanted.
func (s *Server) hurried() bool {
	return s.stopping.Load() || s.closing.Load() || s.slots != nil && s.slots.full()
}

// slowClient tells of a connection that was ended, once a minute for each reason.
func (s *Server) slowClient(c *conn, why string) {
	if s.limiter.Allow(why, time.Now()) {
		s.log.Info("slow_client", "peer", c.RemoteAddr().String(), "reason", why, "hint", "the connection was ended (said once a minute)")
	}
}

// state follows a connection's requests.
func (s *Server) state(nc net.Conn, st http.ConnState) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	switch st {
	case http.StateIdle: // the answer is out, and its request read: what is written next answers another one
		c.unseen.Store(true)
		c.owed.Store(false)
	case http.StateHijacked:
		c.pace.upgraded.Store(true)
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
