package compose

import (
	"net"
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/proxy"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/bridge/uwsgi"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// routed puts the routes of the site in front of its apps.
func (s *Server) routed(t *site, apps http.Handler, pages *httpx.Pages) (http.Handler, error) {
	if len(t.cfg.Routes) == 0 {
		return apps, nil
	}
	rules := make([]route.Rule, len(t.cfg.Routes))
	for i := range t.cfg.Routes {
		r := &t.cfg.Routes[i]
		h := s.newProxy(t.cfg, r, pages)
		t.proxies = append(t.proxies, h)
		rules[i] = route.Rule{Name: r.Path, Mount: r.Path, Hosts: r.Hosts, Handler: h}
	}
	return route.NewFirst(rules, apps)
}

func (t *site) closeProxies() {
	for _, p := range t.proxies {
		p.Close()
	}
}

func (s *Server) newProxy(cfg *config.Config, r *config.Route, pages *httpx.Pages) *proxy.Handler {
	list := make([]*upstream.Upstream, len(r.Upstreams))
	for i, u := range r.Upstreams {
		list[i] = newUpstream(r, u)
	}
	return proxy.New(proxy.Options{
		Path: r.Path, Strip: r.StripPrefix, Upstreams: list, Spool: s.spool, Unbuffered: r.RequestBuffering == "off",
		MaxBody: cfg.Limits.MaxBody, BodyPace: bodyPace(cfg), ReadTimeout: r.ReadTimeout, Pages: pages, Log: s.log,
	})
}

func newUpstream(r *config.Route, u config.Upstream) *upstream.Upstream {
	up := &upstream.Upstream{Name: u.String(), Scheme: u.Scheme, Host: u.Address}
	if u.Network == "unix" {
		up.Host = "localhost"
	}
	to := upstream.Dialer{Network: u.Network, Address: u.Address, Timeouts: upstream.Timeouts{Connect: r.ConnectTimeout, Send: r.SendTimeout, Read: r.ReadTimeout}}
	switch u.Scheme {
	case "uwsgi":
		up.Transport = uwsgi.NewTransport(to)
	case "https":
		name, _, _ := net.SplitHostPort(u.Address) // it was put together so
		up.Transport = upstream.NewHTTP(to, name)
	default:
		up.Transport = upstream.NewHTTP(to, "")
	}
	return up
}
