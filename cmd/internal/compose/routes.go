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
	names := routeNames(t.cfg.Routes)
	for i := range t.cfg.Routes {
		r := &t.cfg.Routes[i]
		m := r.Conditions()
		matcher, err := m.Compile()
		if err != nil {
			return nil, err
		}
		h, err := t.routeHandler(p, r, names[i], pages)
		if err != nil {
			return nil, err
		}
		list[i] = route.Route{Matcher: matcher, Handler: h}
	}
	return route.NewRoutes(list, pages).Stage, nil
}

// routeHandler makes what answers for a route, given what answers for requests that it leaves to others.
// name is the route's in records and metrics.
func (t *site) routeHandler(p *parts, r *config.Route, name string, pages *httpx.Pages) (func(next http.Handler) http.Handler, error) {
	h, err := p.newProxy(t.cfg, r, name, pages)
	if err != nil {
		return nil, err
	}
	t.groups = append(t.groups, h.Group)
	run := t.scripts(p, r, h, pages)
	return func(http.Handler) http.Handler { return run }, nil
}
