package config

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Route hands requests on to other servers than the apps.
type Route struct {
	Path        string   // "/" or "/legacy": starts with a slash, does not end with one
	Hosts       []string // as an app's
	Handler     string   // "proxy"
	Upstreams   []Upstream
	StripPrefix bool // the upstream does not see Path

	// RequestBuffering is "on" (an upstream is asked when the request body is complete) or "off".
	RequestBuffering string

	ConnectTimeout time.Duration // until an upstream has taken the connection
	SendTimeout    time.Duration // silence while it takes the request
	ReadTimeout    time.Duration // silence until and within its answer

	texts []string // of Upstreams, as written
}

// Upstream is the address of another server.
type Upstream struct {
	Scheme  string // "http", "https" or "uwsgi"
	Network string // "tcp" or "unix"
	Address string // host:port, or an absolute path
}

// maxUpstreams of one route.
const maxUpstreams = 64

// String is the upstream as one would write it.
func (u Upstream) String() string {
	if u.Network == "unix" {
		return u.Scheme + "+unix:" + u.Address
	}
	return u.Scheme + "://" + u.Address
}

func routeSettings() []*Setting {
	at := func(key string, kind Kind, def, doc string, at func(*Route) any) *Setting {
		return &Setting{Key: key, Scope: OfRoute, Kind: kind, NoEnv: true, Default: def, Doc: doc, Reload: true, at: func(t target) any { return at(t.route) }}
	}
	return []*Setting{
		{Key: "path", Scope: OfRoute, Kind: Text, NoEnv: true, Default: "/", Reload: true,
			Doc: "What the paths begin with, at a segment's end: `/legacy` and `/legacy/` take `/legacy` and `/legacy/x`, not `/legacyx`.",
			set: func(t target, in input) error {
				t.route.Path = "/" + strings.Trim(in.last(), "/")
				if v := in.last(); v != "" && !strings.HasPrefix(v, "/") {
					return fmt.Errorf("%q does not begin with a slash; write /%s", v, v)
				}
				return nil
			}, show: func(t target) (string, bool) { return t.route.Path, true }},
		{Key: "hosts", Scope: OfRoute, Kind: List, NoEnv: true, Derived: "every host", Reload: true,
			Doc: "The hosts that the route answers for, as an app's.",
			set: func(t target, in input) error {
				t.route.Hosts = nil
				for _, h := range in.list() {
					t.route.Hosts = append(t.route.Hosts, strings.TrimSuffix(strings.ToLower(h), "."))
				}
				return nil
			}, show: func(t target) (string, bool) { return strings.Join(t.route.Hosts, ","), len(t.route.Hosts) > 0 }},
		choice([]string{"proxy"}, at("handler", Choice, "", "What answers. `proxy`: one of the upstreams.", func(r *Route) any { return &r.Handler })),
		{Key: "upstreams", Scope: OfRoute, Kind: List, NoEnv: true, Reload: true,
			Doc: "Where requests go: `http://host:port`, `https://host:port`, `http+unix:/path`, `uwsgi://host:port`, `uwsgi+unix:/path`. Several are used in turn; one that refuses is left out for 10 seconds, and a request of which it has got nothing goes to the next. A request that may be run twice (GET, HEAD, OPTIONS, TRACE, PUT, DELETE) goes to the next one also when its upstream dies before it has answered. At most 64.",
			set: setUpstreams, show: func(t target) (string, bool) { return strings.Join(t.route.texts, ","), true }},
		at("strip_prefix", Switch, "off", "Whether `path` is cut off before the request goes on. An upstream that speaks uwsgi gets it as SCRIPT_NAME, one that speaks HTTP as X-Forwarded-Prefix.", func(r *Route) any { return &r.StripPrefix }),
		choice([]string{"on", "off"}, at("request_buffering", Choice, "on", "Whether a request body is complete before an upstream is asked. `off`: it goes on as it comes; uwsgi needs its length first, so a chunked one is complete there in any case.", func(r *Route) any { return &r.RequestBuffering })),
		at("connect_timeout", Duration, "5s", "How long an upstream may take to accept a connection; then the next one is asked, or 504.", func(r *Route) any { return &r.ConnectTimeout }),
		at("send_timeout", Duration, "60s", "How long an upstream may take nothing of the request; then 504.", func(r *Route) any { return &r.SendTimeout }),
		at("read_timeout", Duration, "60s", "How long an upstream may be silent before its answer, and within it; then 504, or the connection is cut.", func(r *Route) any { return &r.ReadTimeout }),
	}
}

func setUpstreams(t target, in input) error {
	r := t.route
	r.Upstreams, r.texts = nil, nil
	for _, v := range in.list() {
		u, err := ParseUpstream(v, in.base)
		if err != nil {
			return err
		}
		r.Upstreams, r.texts = append(r.Upstreams, u), append(r.texts, u.String())
	}
	return nil
}

// ParseUpstream reads one address. base is what a relative path is relative to. Errors are the end of a sentence and name
// the address.
func ParseUpstream(text, base string) (Upstream, error) {
	forms := "write http://host:port, https://host:port, http+unix:/path, uwsgi://host:port or uwsgi+unix:/path"
	scheme, path, isUnix := strings.Cut(text, "+unix:")
	if isUnix && (scheme == "http" || scheme == "uwsgi") {
		path = strings.TrimPrefix(path, "//")
		switch {
		case path == "" || strings.HasSuffix(path, "/") || strings.Contains(path, "?"):
			return Upstream{}, fmt.Errorf("%q: the socket's path is missing, or not one; write %s+unix:/run/shop.sock", text, scheme)
		case !filepath.IsAbs(path):
			path = filepath.Join(base, path)
		}
		if len(path) > maxUnixPath {
			return Upstream{}, fmt.Errorf("%q: the path is %d octets long; a unix socket's may have %d", text, len(path), maxUnixPath)
		}
		return Upstream{scheme, "unix", path}, nil
	}
	scheme, at, ok := strings.Cut(text, "://")
	if !ok || !slices.Contains([]string{"http", "https", "uwsgi"}, scheme) {
		return Upstream{}, fmt.Errorf("%q is no upstream; %s", text, forms)
	}
	at = strings.TrimSuffix(at, "/")
	if strings.ContainsAny(at, "/?#@ \\") {
		return Upstream{}, fmt.Errorf("%q: only host and port may follow %s://; a route has no other path of its own", text, scheme)
	}
	port := map[string]string{"http": "80", "https": "443"}[scheme]
	host := strings.Trim(at, "[]")
	if a, err := netip.ParseAddr(at); err == nil && a.Is6() {
		return Upstream{}, fmt.Errorf("%q: an IPv6 address stands in brackets", text)
	}
	if h, p, err := net.SplitHostPort(at); err == nil {
		host, port = h, p
	} else if port == "" || strings.Contains(host, ":") && !strings.HasPrefix(at, "[") {
		return Upstream{}, fmt.Errorf("%q has no port; %s", text, forms)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return Upstream{}, fmt.Errorf("%q: %q is not a port; ports are 1 to 65535", text, port)
	}
	if host == "" {
		return Upstream{}, fmt.Errorf("%q names no host", text)
	}
	return Upstream{scheme, "tcp", net.JoinHostPort(strings.ToLower(host), strconv.FormatUint(n, 10))}, nil
}

func routePath(i int, key string) string { return fmt.Sprintf("route.%d.%s", i, key) }

// routes reads the tables.
func (l *loader) routes() {
	l.cfg.Routes = make([]Route, len(l.file.routes))
	for i, g := range l.file.routes {
		path := func(s *Setting) string { return routePath(i, s.Key) }
		l.apply(target{route: &l.cfg.Routes[i]}, defaults(OfRoute), path)
		l.apply(target{route: &l.cfg.Routes[i]}, g.givens, path)
		for _, need := range []struct{ key, example string }{{"handler", `handler = "proxy"`}, {"upstreams", `upstreams = ["http://127.0.0.1:3000"]`}} {
			if at := routePath(i, need.key); !l.sources.Of(at).Given() && !l.unsure(at) {
				l.bad.add(g.src, "[[route]] has no %s; write %s", need.key, need.example)
			}
		}
	}
}

func (l *loader) checkProxies() {
	type place struct{ path, host string }
	all := make(map[place]bool) // what the routes before take
	for i := range l.cfg.Routes {
		r := &l.cfg.Routes[i]
		of := func(key string) Source { return l.sources.Of(routePath(i, key)) }
		if why := badMount(r.Path); why != "" && !l.unsure(routePath(i, "path")) {
			l.bad.add(of("path"), "[[route]] path %q %s", r.Path, why)
		}
		for _, h := range r.Hosts {
			if why := badHost(h); why != "" {
				l.bad.add(of("hosts"), "[[route]] host %q %s", h, why)
			}
		}
		if of("upstreams").Given() && len(r.Upstreams) == 0 {
			l.bad.add(of("upstreams"), "[[route]] upstreams names none")
		}
		if len(r.Upstreams) > maxUpstreams {
			l.bad.add(of("upstreams"), "[[route]] upstreams names %d; at most %d are possible", len(r.Upstreams), maxUpstreams)
		}
		for j, u := range r.Upstreams {
			if slices.Contains(r.Upstreams[:j], u) {
				l.bad.add(of("upstreams"), "[[route]] upstreams: %s stands there twice", u)
			}
			for _, at := range l.cfg.Listen {
				if at.Network == u.Network && at.Address == u.Address {
					l.bad.add(of("upstreams"), "[[route]] upstreams: standpipe itself listens on %s; the request would come back for ever", u)
				}
			}
		}
		hosts := r.Hosts
		if len(hosts) == 0 {
			hosts = []string{""}
		}
		for _, h := range hosts {
			if all[place{r.Path, h}] {
				src := of("path")
				if !src.Given() {
					src = of("upstreams")
				}
				l.bad.add(src, "[[route]] path %s is never reached: a route before it takes all of it", r.Path)
			}
			all[place{r.Path, h}] = true
		}
	}
}
