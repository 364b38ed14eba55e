package compose

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// routes is the stage of [[route]]; nil: it is off.
func (t *site) routes(p *parts, pages *httpx.Pages) (func(http.Handler) http.Handler, error) {
	if len(t.cfg.Routes) == 0 {
		return nil, nil
	}
	list := make([]route.Route, len(t.cfg.Routes))
	for i := range t.cfg.Routes {
		r := &t.cfg.Routes[i]
		m := r.Conditions()
		matcher, err := m.Compile()
		if err != nil {
			return nil, err
		}
		list[i] = route.Route{Matcher: matcher, Handler: t.routeHandler(p, r, pages)}
	}
	return route.NewRoutes(list, pages).Stage, nil
}

// routeHandler makes what answers for a route, given what answers for requests that it leaves to others.
func (t *site) routeHandler(p *parts, r *config.Route, pages *httpx.Pages) func(next http.Handler) http.Handler {
	h := p.newProxy(t.cfg, r, pages)
	t.proxies = append(t.proxies, h)
	return func(http.Handler) http.Handler { return h }
}
