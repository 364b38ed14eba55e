package compose

import (
	"crypto/rand"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/fastcgi"
	"github.com/standpipe/standpipe/bridge/forwarded"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/proxy"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/bridge/uwsgi"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/dnsnames"
)

// trustOf are the proxies that are believed.
func trustOf(cfg *config.Config) (*forwarded.Trust, error) {
	items := make([]string, 0, len(cfg.Trust.Proxies)+1)
	for _, p := range cfg.Trust.Proxies {
		items = append(items, p.String())
	}
	if cfg.Trust.Unix {
		items = append(items, "unix")
	}
	return forwarded.ParseTrust(items)
}

// healthOptions are those of the stage, among the apps' requests.
func (p *parts) healthOptions(cfg *config.Config) chain.HealthOptions {
	return chain.HealthOptions{Ready: p.health, Path: strings.TrimSuffix(cfg.Responses.HealthPath, "/")}
}

// registry has the servers behind all routes, with what is known of them and the connections to them. They outlive reloads:
// an upstream that stays in its route keeps all that.
type registry struct {
	secret []byte // signs the cookies of routes that have no secret of their own

	names *lookups

	mu     sync.Mutex
	known  map[upstreamKey]*knownUpstream
	serves bool // the first site is complete: upstreams come into service from now on
}

// upstreamKey is what makes an upstream the same one after a reload.
type upstreamKey struct{ route, address string }

type knownUpstream struct {
	*upstream.Upstream
	transports map[way]upstream.Transport
}

// way is how an upstream is reached: requests that go another way have a transport of their own.
type way struct {
	upstream.Dialer
	host   string // of a certificate
	keep   int    // connections of FastCGI
	params string // its further variables, as written
	http   upstream.HTTPOptions
}

func newRegistry() *registry {
	return &registry{secret: []byte(rand.Text()), known: map[upstreamKey]*knownUpstream{}, names: &lookups{by: map[config.Upstream]lookup{}}}
}

// get returns the upstream, and the transport that reaches it so; both are made where they are missing.
func (s *registry) get(route string, u config.Upstream, to way, newTransport func() upstream.Transport) (*upstream.Upstream, upstream.Transport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := upstreamKey{route, u.String()}
	one := s.known[key]
	if one == nil {
		host := u.Address
		if u.Network == "unix" {
			host = "localhost"
		}
		scheme := u.Scheme
		if scheme == "h2c" {
			scheme = "http" // as in URLs
		}
		var since time.Time // one that the server starts with has its whole share
		if s.serves {
			since = time.Now()
		}
		one = &knownUpstream{upstream.NewUpstream(u.String(), scheme, host, since), map[way]upstream.Transport{}}
		s.known[key] = one
	}
	if one.transports[to] == nil {
		one.transports[to] = newTransport()
	}
	return one.Upstream, one.transports[to]
}

// begin says that those of the first site are known.
func (s *registry) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serves = true
}

func (p *parts) newTransport(c *config.Scripts, at place, to way) upstream.Transport {
	switch at.At.Scheme {
	case "uwsgi":
		return upstream.RoundTripper{RoundTripper: uwsgi.NewTransport(to.Dialer)}
	case "fastcgi":
		return upstream.RoundTripper{RoundTripper: fastcgi.NewTransport(to.Dialer, fastcgi.Options{Name: at.At.String(), Keep: c.Keep, Params: c.Variables(), Log: p.log})}
	}
	return upstream.NewHTTP(to.Dialer, to.http)
}

// tlsName is what the certificate of an upstream is for; empty: it does not speak TLS.
func tlsName(at place) string {
	if at.At.Scheme != "https" {
		return ""
	}
	return at.host
}

// keep forgets what these groups do not have: idle connections are closed, the others with the end of their requests.
func (s *registry) keep(groups []*upstream.Group) {
	used, reached := map[*upstream.Upstream]bool{}, map[upstream.Transport]bool{}
	for _, g := range groups {
		for _, m := range g.Members() {
			used[m.Upstream], reached[m.Transport] = true, true
		}
	}
	s.forget(func(u *upstream.Upstream) bool { return !used[u] }, func(t upstream.Transport) bool { return !reached[t] })
}

// drop forgets what is in old and not in now.
func (s *registry) drop(old, now []*upstream.Member) {
	used, reached := map[*upstream.Upstream]bool{}, map[upstream.Transport]bool{}
	for i, list := range [][]*upstream.Member{old, now} {
		for _, m := range list {
			used[m.Upstream], reached[m.Transport] = i == 1, i == 1
		}
	}
	s.forget(func(u *upstream.Upstream) bool { still, known := used[u]; return known && !still },
		func(t upstream.Transport) bool { still, known := reached[t]; return known && !still })
}

func (s *registry) forget(gone func(*upstream.Upstream) bool, unreached func(upstream.Transport) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, one := range s.known {
		for to, t := range one.transports {
			if !unreached(t) {
				continue
			}
			if c, ok := t.(interface{ CloseIdleConnections() }); ok {
				c.CloseIdleConnections()
			}
			delete(one.transports, to)
		}
		if gone(one.Upstream) {
			delete(s.known, key)
		}
	}
}

// routeNames are what the routes are called in records and metrics: hosts and path, and a number where these are the same.
func routeNames(routes []config.Route) []string {
	names := make([]string, len(routes))
	for i := range routes {
		name := strings.Join(routes[i].Hosts, ",") + routes[i].Path
		names[i] = name
		for n := 2; slices.Contains(names[:i], names[i]); n++ {
			names[i] = fmt.Sprintf("%s#%d", name, n)
		}
	}
	return names
}

// newProxy makes the handler of a route that forwards.
func (t *site) newProxy(p *parts, r *config.Route, name string, pages *httpx.Pages) (*proxy.Handler, error) {
	cfg := t.cfg
	g, f, err := p.newGroup(r, name)
	if err != nil {
		return nil, err
	}
	t.groups = append(t.groups, g)
	if f != nil {
		t.finders = append(t.finders, f)
	}
	b := &r.Balance
	onError, onTimeout, statuses := b.Retries()
	o := proxy.Options{
		Path: r.Path, Strip: r.StripPrefix, Group: g, Key: keyOf(b.Policy), Tries: b.Tries, RetryOn: proxy.RetryOn{Error: onError, Timeout: onTimeout, Statuses: statuses}, FullTimeout: r.ConnectTimeout,
		Spool: p.storage.bodies, Unbuffered: r.RequestBuffering == "off", Answers: p.storage.answers, Straight: r.ResponseBuffering == "off", Upgrades: r.Upgrades, SendProxy: r.SendProxy == "v2",
		MaxBody: cfg.Limits.MaxBody, BodyPace: bodyPace(cfg), ReadTimeout: r.ReadTimeout, Pages: pages, Log: p.log,
	}
	if b.Policy.Kind == "sticky" {
		secret := p.upstreams.secret
		if b.StickySecret != "" {
			secret = []byte(b.StickySecret)
		}
		o.Sticky = &upstream.Cookie{Name: b.StickyCookie, Path: r.Path, Key: secret}
	}
	return proxy.New(o), nil
}

// newGroup makes the group of a route's upstreams, and what finds them while the server runs; nil: nothing does.
func (p *parts) newGroup(r *config.Route, name string) (*upstream.Group, *finder, error) {
	b := &r.Balance
	o := upstream.Options{
		Route: name, Policy: policyOf(b.Policy), SlowStart: b.SlowStart, RetryBudget: b.RetryBudget, Log: p.log,
		Limits: upstream.Limits{MaxFails: b.MaxFails, EjectTime: b.EjectTime, Rise: b.Health.Rise, Fall: b.Health.Fall},
		Checks: upstream.Checks{Every: b.Health.Every(), Timeout: b.Health.Timeout, Jitter: b.Health.Jitter},
	}
	f := &finder{p: p, r: r, names: p.upstreams.names, resolver: &dnsnames.Resolver{Servers: b.Find.DNSServers}, listed: b.Find.Listed(), stamp: stampOf(b.Find.File), failing: map[config.Upstream]bool{}}
	f.members = func(list []place) ([]*upstream.Member, error) { return p.members(r, name, list) }
	list := f.places()
	var err error
	if o.Members, err = f.members(list); err != nil {
		return nil, nil, err
	}
	f.group, f.present = upstream.NewGroup(o), fmt.Sprintf("%v", list)
	if !f.isNeeded() {
		return f.group, nil, nil
	}
	return f.group, f, nil
}

// members are the members of a route's group at these places.
func (p *parts) members(r *config.Route, name string, list []place) (out []*upstream.Member, err error) {
	for _, s := range list {
		to := upstream.Dialer{Network: s.At.Network, Address: s.At.Address, Timeouts: upstream.Timeouts{Connect: r.ConnectTimeout, Send: r.SendTimeout, Read: r.ReadTimeout}, SendProxy: r.SendProxy == "v2"}
		m := &upstream.Member{Weight: s.Weight, MaxConns: s.MaxConns, Backup: s.Backup, Down: s.Down}
		by := way{to, s.host, r.Scripts.Keep, fmt.Sprintf("%q", r.Scripts.Params), upstream.HTTPOptions{TLSName: tlsName(s), H2C: s.At.Scheme == "h2c", Keep: r.KeepAlive, IdleTime: r.KeepAliveTimeout}}
		m.Upstream, m.Transport = p.upstreams.get(name, s.At, by, func() upstream.Transport { return p.newTransport(&r.Scripts, s, by) })
		if m.Probe, err = probeOf(&r.Balance.Health, s, to); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// probeOf is the active check of an upstream.
func probeOf(h *config.Health, at place, to upstream.Dialer) (upstream.Probe, error) {
	u := at.At
	if h.Path == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "h2c" {
		return upstream.ConnectProbe(to), nil
	}
	c := upstream.HTTPCheck{Scheme: strings.Replace(u.Scheme, "h2c", "http", 1), Address: u.Address, Target: h.Path, Host: h.Host, Body: h.Body}
	switch _, port, _ := net.SplitHostPort(u.Address); {
	case u.Network == "unix":
		c.Address = "localhost"
	case c.Host == "":
		c.Host = net.JoinHostPort(at.host, port)
	}
	for _, s := range h.Statuses {
		c.Statuses = append(c.Statuses, upstream.StatusRange{First: s[0], Last: s[1]})
	}
	return c.Probe(to, upstream.HTTPOptions{TLSName: tlsName(at), H2C: u.Scheme == "h2c"})
}

func policyOf(p config.Policy) upstream.Policy {
	switch p.Kind {
	case "round_robin":
		return &upstream.RoundRobin{}
	case "least_conn":
		return &upstream.LeastConn{}
	case "ip_hash", "hash":
		return &upstream.Hash{Otherwise: &upstream.TwoChoices{}}
	case "sticky":
		return &upstream.Sticky{Otherwise: &upstream.TwoChoices{}}
	}
	return &upstream.TwoChoices{}
}

// keyOf is what a policy chooses by; nil: nothing of the request.
func keyOf(p config.Policy) proxy.Key {
	switch {
	case p.Kind == "ip_hash":
		return proxy.ClientKey
	case p.Kind != "hash":
		return nil
	case p.By == "field":
		return proxy.FieldKey(p.Name)
	case p.By == "cookie":
		return proxy.CookieKey(p.Name)
	}
	return proxy.URIKey
}

// startGroups starts the checks of a site's upstreams; stopGroups ends them.
func (t *site) startGroups() {
	for _, g := range t.groups {
		g.Start()
	}
	for _, f := range t.finders {
		f.start()
	}
}

func (t *site) stopGroups() {
	for _, f := range t.finders {
		f.stop()
	}
	for _, g := range t.groups {
		g.Stop()
	}
}

// Upstreams are the servers behind the routes in force.
type Upstreams struct{ sites *sites }

// List is what is known of each.
func (u *Upstreams) List() (list []upstream.Info) {
	now := time.Now()
	for _, g := range u.sites.current.Load().groups {
		list = append(list, g.Infos(now)...)
	}
	return list
}
