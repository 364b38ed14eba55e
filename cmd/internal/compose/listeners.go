package compose

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
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
	group     *listen.Group
	two       *h2.Server
	protocols map[string]listen.Protocol // by the setting protocol of [[listen]]
	wanted    []config.Listen
	take      func(address string) *os.File // nil: no process hands sockets over

	open    []net.Listener // of wanted, as many as are bound
	serving sync.WaitGroup
}

// newListeners makes them; s gets the requests, a those of a CA that validates, refused is called for uwsgi packets that no
// handler gets, and count for each connection that is refused.
func newListeners(cfg *config.Config, s *sites, a *automatic, refused func(remote string, status int), count func(reason string), log *logfile.Log) *Listeners {
	ofHTTP := http1.Options{
		HeaderTimeout: cfg.Limits.HeaderTimeout, IdleTimeout: cfg.Limits.IdleTimeout, MaxHead: int(cfg.Limits.MaxHead), MaxFields: cfg.Limits.MaxFields,
		MaxTarget: int(cfg.Limits.MaxTarget), MaxRequests: cfg.Limits.MaxRequests, Refused: s.refused(), Log: log,
	}
	l := &Listeners{
		log:    log,
		group:  listen.NewGroup(listen.Options{MaxConnections: cfg.Limits.MaxConns, Limits: paceOf(cfg), Refused: count, Log: log}),
		wanted: cfg.Listen,
		protocols: map[string]listen.Protocol{
			"http": http1.New(a.challenges(s), ofHTTP), redirecting: http1.New(a.challenges(s.redirecting()), ofHTTP),
			"uwsgi": uwsgi.New(s, uwsgi.Options{HeaderTimeout: cfg.Limits.HeaderTimeout, MaxHead: int(cfg.Limits.MaxHead), Refused: refused, Log: log}),
		},
	}
	l.two = h2.New(s, h2.Options{HeaderTimeout: cfg.Limits.HeaderTimeout, IdleTimeout: cfg.Limits.IdleTimeout, WriteTimeout: cfg.Limits.SendTimeout})
	ofHTTP.HTTP2 = l.two.ServeBegun
	l.protocols[cleartext] = &bothHTTP{Server: http1.New(s, ofHTTP), two: l.two}
	return l
}

// cleartext is the protocol of addresses of HTTP/1.1 and HTTP/2 without TLS.
const cleartext = "h2c"

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

// redirecting is the protocol of addresses that redirect to HTTPS.
const redirecting = "redirect"

// withoutHTTP2 is the protocol of addresses of HTTPS that do not speak HTTP/2.
const withoutHTTP2 = "https without HTTP/2"

// addHTTPS adds HTTPS. The protocols behind it are named here, the preferred one first.
func (l *Listeners) addHTTPS(cfg *config.Config, s *Certificates, refused func(string, int), counters Counters, kept func(string) []byte) error {
	one := https.Named{Name: "http/1.1", Protocol: l.protocols["http"].(*http1.Server)}
	two := https.Named{Name: "h2", Protocol: l.two}
	both := s.server(cfg, s.automatic.protocols([]https.Named{two, one}), refused, counters, l.log)
	alone := s.server(cfg, s.automatic.protocols([]https.Named{one}), refused, counters, l.log)
	l.protocols["https"], l.protocols[withoutHTTP2] = both, alone
	return s.shareTickets(kept)
}

// protocol is what is spoken at an address.
func (l *Listeners) protocol(at config.Listen) listen.Protocol {
	switch {
	case at.Redirect:
		return l.protocols[redirecting]
	case at.H2C:
		return l.protocols[cleartext]
	case at.NoHTTP2:
		return l.protocols[withoutHTTP2]
	}
	return l.protocols[at.Protocol]
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
	for _, w := range l.wanted {
		ln, err := l.bind(ctx, w)
		if err != nil {
			err = l.Clash(err)
			for _, open := range l.open {
				open.Close()
			}
			l.open = nil
			return err
		}
		l.open = append(l.open, ln)
	}
	return nil
}

func (l *Listeners) bind(ctx context.Context, w config.Listen) (net.Listener, error) {
	spec := listen.Spec{Address: w.Bare(), Mode: w.Mode, User: w.User, Group: w.Group, Backlog: w.Backlog, V6Only: w.BesideIPv4(l.wanted)}
	if l.take != nil {
		if f := l.take(w.String()); f != nil {
			return listen.Inherit(f, spec)
		}
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
			if err := serve(ln, l.protocol(l.wanted[i])); err != nil {
				l.log.Error("listener_failed", "address", ln.Addr().String(), "error", err)
			}
		})
	}
}

// Handed is a listener of ours for another process.
type Handed struct {
	Address string // as the configuration has it
	File    *os.File
}

// Files returns a copy of each listener's descriptor, to be closed by the caller.
func (l *Listeners) Files() ([]Handed, error) {
	var list []Handed
	for i, ln := range l.open {
		f, err := listen.File(ln)
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
// closed, or with ctx's error.
func (l *Listeners) leave(ctx context.Context) error {
	idle, cancel := context.WithTimeout(ctx, idleLimit)
	defer cancel()
	l.group.Leave(idle)
	return l.group.Shutdown(ctx)
}

// close closes listeners and connections: politely for as long as limit, then at once. No
// goroutine of theirs is left when it returns.
func (l *Listeners) close(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	_ = l.group.Shutdown(ctx)
	cancel()
	l.group.Close()
	for _, ln := range l.open {
		ln.Close() // those that Accept has not given to the group
	}
	l.serving.Wait()
}
