package compose

import (
	"net"
	"strings"

	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/forwarded"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/proxy"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/bridge/uwsgi"
	"github.com/standpipe/standpipe/cmd/internal/config"
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

func (p *parts) newProxy(cfg *config.Config, r *config.Route, pages *httpx.Pages) *proxy.Handler {
	list := make([]*upstream.Upstream, len(r.Upstreams))
	for i, u := range r.Upstreams {
		list[i] = newUpstream(r, u)
	}
	return proxy.New(proxy.Options{
		Path: r.Path, Strip: r.StripPrefix, Upstreams: list, Spool: p.storage.bodies, Unbuffered: r.RequestBuffering == "off", SendProxy: r.SendProxy == "v2",
		MaxBody: cfg.Limits.MaxBody, BodyPace: bodyPace(cfg), ReadTimeout: r.ReadTimeout, Pages: pages, Log: p.log,
	})
}

func newUpstream(r *config.Route, u config.Upstream) *upstream.Upstream {
	up := &upstream.Upstream{Name: u.String(), Scheme: u.Scheme, Host: u.Address}
	if u.Network == "unix" {
		up.Host = "localhost"
	}
	to := upstream.Dialer{Network: u.Network, Address: u.Address, Timeouts: upstream.Timeouts{Connect: r.ConnectTimeout, Send: r.SendTimeout, Read: r.ReadTimeout}, SendProxy: r.SendProxy == "v2"}
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
