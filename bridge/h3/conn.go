package h3

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// conn is a connection whose client has sent its first flight.
type conn struct {
	srv   *Server
	entry *entry
	q     *quic.Conn
	web   *http3.Server

	places chan struct{}  // of requests that run: a stream that is reset has its handler for a while
	away   sync.WaitGroup // the goroutine of goAway

	mu      sync.Mutex
	running int         // requests
	ended   bool        // serve has returned
	begun   bool        // web serves it
	leaving bool        // leave was called
	rest    *time.Timer // closes it when no request comes; nil: there is no limit
	ends    httpx.Ends
	remote  net.Addr // of ends
	tls     *tls.ConnectionState
}

// lastMoment is how long a connection without a request stays after GOAWAY: the last answer may be
// on its way. RTTs beside that are for clients that are far.
const (
	lastMoment = time.Second
	lastRTTs   = 4
)

func newConn(s *Server, q *quic.Conn) *conn {
	c := &conn{srv: s, q: q, places: make(chan struct{}, maxStreams)}
	c.entry, _ = q.Context().Value(entryKey{}).(*entry)
	c.entry.taken.Store(true)
	c.web = &http3.Server{Handler: c, MaxHeaderBytes: maxHead, Logger: s.quiet, ConnContext: func(ctx context.Context, _ *quic.Conn) context.Context {
		c.start()
		return ctx
	}}
	return c
}

// serve returns when the connection is closed and its handlers have returned.
func (c *conn) serve() {
	shaken := make(chan struct{})
	go func() {
		defer close(shaken)
		c.entry.shaken(c.q)
	}()
	_ = c.web.ServeQUICConn(c.q)
	_ = c.q.CloseWithError(noError, "") // if it has not begun
	<-shaken
	c.mu.Lock()
	c.ended = true
	if c.rest != nil {
		c.rest.Stop()
	}
	c.mu.Unlock()
	c.away.Wait()
}

// start is called when web serves the connection.
func (c *conn) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun = true
	c.wait()
	if c.leaving {
		c.goAway()
	}
}

// wait closes the connection when no request comes for a while. mu is held.
func (c *conn) wait() {
	limit := c.srv.o.IdleTimeout
	if c.leaving {
		limit = max(lastMoment, lastRTTs*c.q.ConnectionStats().SmoothedRTT)
	}
	switch {
	case limit <= 0:
	case c.rest == nil:
		c.rest = time.AfterFunc(limit, c.tire)
	default:
		c.rest.Reset(limit)
	}
}

// tire closes the connection if no request runs.
func (c *conn) tire() {
	c.mu.Lock()
	busy := c.running > 0
	c.mu.Unlock()
	if !busy {
		_ = c.q.CloseWithError(noError, "")
	}
}

// enter notes that a request runs. false: the client has far more of them than streams, because it
// resets them at once; the connection is closed.
func (c *conn) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running >= 2*maxStreams {
		_ = c.q.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeExcessiveLoad), "too many requests were reset")
		return false
	}
	if c.running++; c.rest != nil {
		c.rest.Stop()
	}
	return true
}

func (c *conn) exit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running--; c.running == 0 {
		c.wait()
	}
}

// leave sends GOAWAY, and has the connection closed when its requests are answered.
func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving || c.ended {
		return
	}
	if c.leaving = true; !c.begun {
		return // start does it
	}
	c.goAway()
	if c.running == 0 {
		c.wait()
	}
}

// goAway has web send GOAWAY. It does not wait. mu is held.
func (c *conn) goAway() {
	c.away.Go(func() { _ = c.web.Shutdown(c.q.Context()) }) // ends with the connection
}

// close closes the connection at once.
func (c *conn) close() { _ = c.q.CloseWithError(noError, "") }

// met returns the ends of the connection: those of its client change when it gets another address.
func (c *conn) met() (*httpx.Ends, *tls.ConnectionState) {
	remote := c.q.RemoteAddr()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tls == nil {
		state := c.q.ConnectionState().TLS
		c.tls = &state
	}
	if c.remote == nil || c.remote != remote && c.remote.String() != remote.String() {
		c.remote = remote
		c.ends = httpx.EndsOf(remote.String(), c.q.LocalAddr())
		c.ends.TLS, c.ends.Extra = true, c.srv.o.TLS.VariablesOf(c.tls)
	}
	ends := c.ends
	return &ends, c.tls
}
