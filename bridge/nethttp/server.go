package nethttp

import (
	"context"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of a Server.
type Options struct {
	// ReadHeaderTimeout is how long the head of a request may take to arrive; 0:
	// no limit.
	ReadHeaderTimeout time.Duration
	// IdleTimeout is how long a kept connection may be silent between requests;
	// 0: no limit. Keep it above that of the balancer in front.
	IdleTimeout time.Duration
	// MaxHeaderBytes bounds the head of a request, in bytes (431 beyond it); 0:
	// 64 KiB.
	MaxHeaderBytes int
	// Refused is called for each request that net/http answers itself, before any
	// handler (a malformed head: 400, one that is too large: 431, ...). nil: nothing is
	// called.
	Refused func(remote string, status int)
	// Log gets net/http's messages; nil: no records are written.
	Log hclog.Logger
}

// Server is net/http as a protocol of a listen.Group. There is no limit on a whole request
// or answer: uploads, downloads and event streams may last.
type Server struct {
	http    *http.Server
	handler http.Handler
	refused func(remote string, status int)
	writers sync.Pool // *httpx.Writer

	leaving atomic.Bool // each connection ends with its next answer
	closing atomic.Bool // Close was called
}

// New makes a Server; a listen.Group serves with it. The ResponseWriter that h gets is a
// *httpx.Writer.
func New(h http.Handler, o Options) *Server {
	logger := o.Log
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	if o.MaxHeaderBytes == 0 {
		o.MaxHeaderBytes = 64 << 10
	}
	s := &Server{handler: h, refused: o.Refused, writers: sync.Pool{New: func() any { return new(httpx.Writer) }}}
	if s.refused == nil {
		s.refused = func(string, int) {}
	}
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: o.ReadHeaderTimeout,
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    o.MaxHeaderBytes,
		// The stages count fields and answer with our page; MaxHeaderBytes bounds them here (net/http's own bound is 500).
		MaxHeaderValueCount: o.MaxHeaderBytes,
		ErrorLog:            log.New(errorLog{logger}, "", 0),
		ConnState:           follow,
		ConnContext:         connContext,
		// OPTIONS * goes through the stages, so that it has its log line and its request id.
		DisableGeneralOptionsHandler: true,
	}
	if o.IdleTimeout == 0 {
		s.http.IdleTimeout = -1 // else net/http takes the other timeouts for it
	}
	return s
}

// Serve is listen.Protocol's.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.http.Serve(listener{ln, s}); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// Leave is listen.Protocol's.
func (s *Server) Leave() { s.leaving.Store(true) }

// Shutdown is listen.Protocol's.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// Close is listen.Protocol's.
func (s *Server) Close() error {
	s.closing.Store(true)
	return s.http.Close()
}

// answer runs the handler for one request. It is the one place that panics with
// http.ErrAbortHandler: net/http closes the connection then, and logs nothing.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	c := connOf(r)
	rec := s.writers.Get().(*httpx.Writer)
	rec.Reset(w)
	c.begin(rec, r)
	s.handler.ServeHTTP(rec, r)
	aborted := c.end(rec, r)
	rec.Reset(nil)
	s.writers.Put(rec)
	if aborted {
		panic(http.ErrAbortHandler)
	}
}

// follow follows a connection's requests.
func follow(nc net.Conn, st http.ConnState) {
	switch c := nc.(*conn); st {
	case http.StateIdle:
		c.idle()
	case http.StateHijacked:
		c.link.Upgraded()
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
