package compose

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/bridge/h2"
	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/bridge/uwsgi"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// Listeners are the addresses that are served, and the protocols that are spoken there.
type Listeners struct {
	log       *logfile.Log
	sites     *sites
	group     *listen.Group
	wanted    []config.Listen
	protocols []listen.Protocol             // of wanted
	three     *overUDP                      // nil: no address has HTTP/3
	take      func(address string) *os.File // nil: no process hands sockets over
	pace      atomic.Pointer[httpx.Pace]    // how slow clients may be with answers

	open    []net.Listener // of wanted, as many as are bound
	serving sync.WaitGroup
}

// newListeners makes them; s gets the requests, c has the certificates (nil: no address speaks https), and refused is called for
// what is refused before a handler gets it. kept returns what the process before this one has passed on.
func newListeners(cfg *config.Config, s *sites, c *Certificates, refused func(remote string, status int), counters Counters, log *logfile.Log, kept func(string) []byte) (*Listeners, error) {
	three, err := newOverUDP(cfg, kept, log)
	if err != nil {
		return nil, err
	}
	l := &Listeners{
		three:  three,
		log:    log,
		sites:  s,
		group:  listen.NewGroup(listen.Options{MaxConnections: cfg.Limits.MaxConns, Refused: counters.Refused, Log: log}),
		wanted: cfg.Listen,
	}
	l.setLimits(paceOf(cfg))
	for i := range cfg.Listen {
		l.protocols = append(l.protocols, l.protocolOf(cfg, i, s, c, refused, counters))
	}
	return l, nil
}

// protocolOf makes what is spoken at an address, by its index.
func (l *Listeners) protocolOf(cfg *config.Config, i int, s *sites, c *Certificates, refused func(remote string, status int), counters Counters) listen.Protocol {
	at, h := &cfg.Listen[i], s.at(i)
	one := http1.Options{
		HeaderTimeout: cfg.Limits.HeaderTimeout, IdleTimeout: cfg.Limits.IdleTimeout, MaxHead: int(cfg.Limits.MaxHead), MaxFields: cfg.Limits.MaxFields,
		MaxTarget: int(cfg.Limits.MaxTarget), MaxRequests: cfg.Limits.MaxRequests, Refused: s.refused(), Log: l.log,
	}
	two := func() *h2.Server {
		return h2.New(h, h2.Options{HeaderTimeout: cfg.Limits.HeaderTimeout, IdleTimeout: cfg.Limits.IdleTimeout, Pace: l.pace.Load, Ended: counters.HTTP2Ended, Slowed: counters.HTTP2Slowed, Log: l.log,
			Refused: func(r h2.Refusal) {
				s.parts.refusals.unread(r.Remote, r.Status, r.Reason, r.Text)
				refused(r.Remote, r.Status)
			}})
	}
	switch {
	case at.Protocol == "uwsgi":
		return uwsgi.New(h, uwsgi.Options{HeaderTimeout: cfg.Limits.HeaderTimeout, MaxHead: int(cfg.Limits.MaxHead), Refused: refused, Log: l.log})
	case at.Protocol == "https":
		named := []https.Named{{Name: "http/1.1", Protocol: http1.New(c.challenges(h), one)}} // the preferred one first
		if !at.NoHTTP2 {
			named = append([]https.Named{{Name: "h2", Protocol: two()}}, named...)
		}
		var alt *atomic.Pointer[string]
		if at.HTTP3 {
			alt = new(atomic.Pointer[string])
		}
		way := c.server(cfg, i, c.automatic.protocols(named), alt, refused, counters)
		if at.HTTP3 {
			l.three.add(cfg, i, h, way, alt, l.group, l.pace.Load)
		}
		return way
	case at.H2C:
		both := &bothHTTP{two: two()}
		one.HTTP2 = both.two.ServeBegun
		both.Server = http1.New(h, one)
		return both
	}
	return http1.New(c.challenges(h), one)
}

// bothHTTP is HTTP/1.1, and HTTP/2 for the connections that begin with it.
type bothHTTP struct {
	*http1.Server
	two *h2.Server
}

// Leave is listen.Protocol's.
func (b *bothHTTP) Leave() {
	b.Server.Leave()
	b.two.Leave()
}

// Shutdown is listen.Protocol's.
func (b *bothHTTP) Shutdown(ctx context.Context) error {
	b.two.Leave() // connections of Server's may be two's
	err := b.Server.Shutdown(ctx)
	return errors.Join(err, b.two.Shutdown(ctx))
}

// Close is listen.Protocol's.
func (b *bothHTTP) Close() error { return errors.Join(b.Server.Close(), b.two.Close()) }

// setLimits puts limits in force, for open connections too.
func (l *Listeners) setLimits(limits listen.Limits) {
	limits.Denied = l.closes
	l.pace.Store(&limits.Send)
	l.group.SetLimits(limits)
}

// paceOf is how slow clients may be, and how many connections each of them may have.
func paceOf(cfg *config.Config) listen.Limits {
	trust, _ := trustOf(cfg) // its error is reported where the stages are made
	return listen.Limits{
		Send: httpx.Pace{Silence: cfg.Limits.SendTimeout, Rate: cfg.Limits.MinRate}, Tunnel: cfg.Limits.TunnelTimeout,
		PerClient: cfg.Limits.PerClient, Unlimited: trust.Addr, Trusted: trust.Peer,
	}
}

// Inherit has Listen take over sockets instead of opening them: take returns the one for an
// address of the configuration, or nil. It is called before Listen.
func (l *Listeners) Inherit(take func(address string) *os.File) { l.take = take }

// Listen binds all addresses, or none. Errors are *listen.ListenError.
func (l *Listeners) Listen(ctx context.Context) error {
	for i := range l.wanted {
		ln, err := l.bind(ctx, i)
		if err != nil {
			err = l.Clash(err)
			for _, open := range l.open {
				open.Close()
			}
			l.open = nil
			l.three.close()
			return err
		}
		l.open = append(l.open, ln)
	}
	return nil
}

// freePorts is how many ports are tried for port 0 that has to be free for TCP and UDP.
const freePorts = 20

// bind opens an address, by its index.
func (l *Listeners) bind(ctx context.Context, i int) (net.Listener, error) {
	w := l.wanted[i]
	spec := listen.Spec{Address: w.Bare(), Mode: w.Mode, User: w.User, Group: w.Group, Backlog: w.Backlog, V6Only: w.BesideIPv4(l.wanted)}
	for try := 1; ; try++ {
		ln, err := l.bindTCP(ctx, &w, spec)
		if err != nil || !w.HTTP3 {
			return ln, err
		}
		err = l.three.bind(i, spec, ln, l.take)
		if err == nil {
			return ln, nil
		}
		ln.Close()
		if try == freePorts || !errors.Is(err, syscall.EADDRINUSE) || !w.AnyPort() {
			return nil, err
		}
	}
}

func (l *Listeners) bindTCP(ctx context.Context, w *config.Listen, spec listen.Spec) (net.Listener, error) {
	if f := taken(l.take, w.String()); f != nil {
		return listen.Inherit(f, spec)
	}
	return listen.Listen(ctx, spec)
}

// Clash is err with the address of this server that was in the way, if one was.
func (l *Listeners) Clash(err error) error {
	e, ok := errors.AsType[*listen.ListenError](err)
	if !ok || !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	for i, ln := range l.open {
		if listen.Overlap(e.Address, ln.Addr()) {
			return &listen.ListenError{Address: e.Address, Err: e.Err, Ours: l.wanted[i].String()}
		}
	}
	return err
}

// Addresses are the URLs of the listeners.
func (l *Listeners) Addresses() []string {
	var urls []string
	for i, ln := range l.open {
		a := ln.Addr()
		protocol := l.wanted[i].Protocol
		switch {
		case a.Network() != "unix":
			urls = append(urls, protocol+"://"+a.String())
		case protocol == "http":
			urls = append(urls, "unix:"+a.String())
		default:
			urls = append(urls, protocol+"+unix:"+a.String())
		}
	}
	return urls
}

// Accept takes connections; requests wait in the queue until the first worker is ready.
func (l *Listeners) Accept() {
	for i, ln := range l.open {
		l.serving.Go(func() { // ends with close
			serve := l.group.Serve
			if l.wanted[i].ProxyProtocol {
				serve = l.group.ServeWithHeaders
			}
			if err := serve(ln, l.protocols[i]); err != nil {
				l.log.Error("listener_failed", "address", ln.Addr().String(), "error", err)
			}
		})
	}
	l.three.accept(l.serving.Go)
}

// Handed is a listener of ours for another process.
type Handed struct {
	Address string // as the configuration has it
	File    *os.File
}

// Files returns a copy of each listener's descriptor, to be closed by the caller.
func (l *Listeners) Files() ([]Handed, error) {
	list, err := l.three.files()
	for i, ln := range l.open {
		var f *os.File
		if err == nil {
			f, err = listen.File(ln)
		}
		if err != nil {
			for _, h := range list {
				h.File.Close()
			}
			return nil, err
		}
		list = append(list, Handed{l.wanted[i].String(), f})
	}
	return list, nil
}

// Yield has another process take over: it owns the files of unix sockets, and reads the UDP
// sockets. Reclaim undoes that.
func (l *Listeners) Yield() {
	l.RemoveSockets(false)
	l.three.yield()
}

// Reclaim is called when no other process has taken over.
func (l *Listeners) Reclaim() {
	l.RemoveSockets(true)
	l.three.reclaim()
}

// RemoveSockets sets whether the files of unix sockets are removed at the end, or are left to
// another process.
func (l *Listeners) RemoveSockets(yes bool) {
	for _, ln := range l.open {
		listen.RemoveOnClose(ln, yes)
	}
}

// idleLimit is how long a process that hands over waits for idle connections to be used once
// more, or to be closed by their clients.
const idleLimit = 5 * time.Second

// leave closes the listeners and returns when all requests are answered and all connections
// closed, or with ctx's error; tunnels are closed when ctx ends.
func (l *Listeners) leave(ctx context.Context) error {
	idle, cancel := context.WithTimeout(ctx, idleLimit)
	defer cancel()
	l.three.leave()
	l.group.Leave(idle)
	return l.endTunnels(l.shutdown(ctx))
}

// shutdown lets requests end, and closes connections.
func (l *Listeners) shutdown(ctx context.Context) (err error) {
	var udp sync.WaitGroup
	udp.Go(func() { err = l.three.shutdown(ctx) })
	tcp := l.group.Shutdown(ctx)
	udp.Wait()
	return errors.Join(err, tcp)
}

// close closes listeners and connections: politely for as long as limit, then at once. No
// goroutine of theirs is left when it returns.
func (l *Listeners) close(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	_ = l.shutdown(ctx)
	cancel()
	l.group.Close()
	l.three.close()
	for _, ln := range l.open {
		ln.Close() // those that Accept has not given to the group
	}
	l.serving.Wait()
}
