package listen

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Protocol serves the connections of a listener.
type Protocol interface {
	// Serve accepts connections on ln and returns nil after Shutdown or Close. ln is
	// closed when it returns. Serve may run for several listeners at a time.
	Serve(ln net.Listener) error
	// Leave has each connection end with its next answer. It does not wait.
	Leave()
	// Shutdown closes the listeners, lets requests end, and closes each connection
	// after its answer. When ctx ends first, it returns ctx's error.
	Shutdown(ctx context.Context) error
	// Close closes listeners and connections at once.
	Close() error
}

// Options are the settings of a Group.
type Options struct {
	// MaxConnections bounds the open connections of all listeners together, upgraded
	// ones included: beyond it new ones wait in the kernel's backlog. 0: no limit.
	MaxConnections int
	// Limits bound how slow clients may be; see SetLimits.
	Limits Limits
	// Refused is called for each connection that is closed at once, with the reason; nil:
	// it is not called.
	Refused func(reason string)
	// Log gets accept_paused, connection_refused, proxy_header_refused and slow_client; nil: no records are
	// written.
	Log hclog.Logger
}

// RefusedPerClient is a reason of Options.Refused: the client has as many connections as
// Limits.PerClient allows.
const RefusedPerClient = "max_connections_per_client"

// RefusedDenied is a reason of Options.Refused: Limits.Denied has said so.
const RefusedDenied = "access_denied"

// Group is all listeners that are served together, whatever protocols they speak. They
// share one limit of connections, one watch over slow clients and one end.
type Group struct {
	log     hclog.Logger
	slots   *slots // nil: no limit
	watch   watch
	counts  clientCounts
	clients disconnects
	refused func(reason string)
	slow    httpx.LogLimiter // slow_client
	headers httpx.LogLimiter // proxy_header_refused, by peer and reason

	leaving  atomic.Bool // Leave was called
	stopping atomic.Bool // Shutdown or Close was called

	mu        sync.Mutex
	listeners []*limitListener
	protocols []Protocol
}

// NewGroup makes a Group without listeners; Serve adds them.
func NewGroup(o Options) *Group {
	g := &Group{log: o.Log, slow: httpx.LogLimiter{Every: time.Minute}, headers: httpx.LogLimiter{Every: time.Minute}, refused: o.Refused}
	g.counts.refused.Every = time.Minute
	if g.refused == nil {
		g.refused = func(string) {}
	}
	if g.log == nil {
		g.log = hclog.NewNullLogger()
	}
	if o.MaxConnections > 0 {
		g.slots = newSlots(o.MaxConnections)
	}
	g.watch.slow = g.slowClient
	g.clients.quiet.L = &g.clients.mu
	g.SetLimits(o.Limits)
	return g
}

// Serve has p serve the connections of ln until Shutdown or Close, and then returns nil.
// It may run for several listeners at a time. ln is closed when it returns.
func (g *Group) Serve(ln net.Listener, p Protocol) error { return g.serve(ln, p, false) }

// ServeWithHeaders is Serve for a listener whose connections come from Limits.Trusted, and begin
// with a PROXY header each. Others are refused.
func (g *Group) ServeWithHeaders(ln net.Listener, p Protocol) error { return g.serve(ln, p, true) }

func (g *Group) serve(ln net.Listener, p Protocol, headers bool) error {
	limited := &limitListener{Listener: accepting(ln), group: g, headers: headers, done: make(chan struct{})}
	g.mu.Lock()
	if g.stopping.Load() {
		g.mu.Unlock()
		limited.Close()
		return nil
	}
	g.listeners = append(g.listeners, limited)
	if !slices.Contains(g.protocols, p) {
		g.protocols = append(g.protocols, p)
	}
	g.mu.Unlock()
	if err := p.Serve(limited); !g.leaving.Load() {
		return err
	}
	return nil
}

// Leave closes the listeners, which another process serves from now on. Connections
// stay open: one that is idle is closed with its next answer, and not while its client
// may be about to use it. Leave returns when no connection is left, or when ctx ends;
// Shutdown is still to be called.
func (g *Group) Leave(ctx context.Context) {
	g.leaving.Store(true)
	for _, p := range g.served() {
		p.Leave()
	}
	g.mu.Lock()
	for _, ln := range g.listeners {
		ln.Close()
	}
	g.mu.Unlock()
	select {
	case <-g.watch.empty():
	case <-ctx.Done():
	}
}

// Shutdown closes the listeners, lets requests end, and closes each connection after its
// answer. When ctx ends first, it returns ctx's error; Close is then the caller's to call.
func (g *Group) Shutdown(ctx context.Context) error {
	list := g.stop()
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i, p := range list {
		wg.Go(func() { errs[i] = p.Shutdown(ctx) })
	}
	wg.Wait()
	err := errors.Join(errs...)
	if err == nil {
		g.clients.end()
	}
	return err
}

// Close closes listeners and connections at once, upgraded ones included.
func (g *Group) Close() error {
	var err error
	for _, p := range g.stop() {
		err = errors.Join(err, p.Close())
	}
	for _, c := range g.watch.list() {
		c.Close()
	}
	g.clients.end()
	return err
}

// stop has no further listener served, and returns the protocols of those that are.
func (g *Group) stop() []Protocol {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopping.Store(true)
	return slices.Clone(g.protocols)
}

func (g *Group) served() []Protocol {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.protocols)
}

// SetLimits puts other limits in force, for open connections too.
func (g *Group) SetLimits(l Limits) { g.watch.limits.Store(&l) }

// Connections counts the open connections, upgraded ones included.
func (g *Group) Connections() int { return g.watch.count() }

// hurried: connections are not to linger for long, because the server stops, or because
// other clients wait for their slots.
func (g *Group) hurried() bool {
	return g.stopping.Load() || g.slots != nil && g.slots.full()
}

// slowClient writes a record of a connection that was ended, at most once a minute for each reason.
func (g *Group) slowClient(c *Conn, why reason) {
	if g.slow.Allow(string(why), time.Now()) {
		g.log.Info("slow_client", "peer", c.RemoteAddr().String(), "reason", string(why), "message", why.sentence()+" (logged once a minute)")
	}
}
