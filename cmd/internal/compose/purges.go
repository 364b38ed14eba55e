package compose

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim/wire"
)

// Purges remove entries of the HTTP cache: for commands, and for the apps themselves.
type Purges struct {
	log     hclog.Logger
	caching *caching
	site    func() *site // the current one

	told sync.Map // apps that purge and have no cache
}

// Of removes entries of an app or (empty) of all, and returns how many. The errors include cache.ErrOff.
func (s *Purges) Of(ctx context.Context, app string, p cache.Purges) (int, error) {
	t := s.site()
	p.IgnoreQuery = t.cfg.Cache.IgnoreQuery
	if app != "" {
		p.Apps = t.cachedFor(app)
	}
	c := s.caching.made.Load()
	if c == nil || app != "" && len(p.Apps) == 0 || len(t.cached()) == 0 {
		if _, err := p.Each(time.Time{}); err != nil {
			return 0, err
		}
		return 0, cache.ErrOff
	}
	return c.PurgeEach(ctx, p)
}

// ofApp is what an app calls by standpipe.purge. It removes entries of its own only.
func (s *Purges) ofApp(app string) func(context.Context, *wire.Purge) (int, error) {
	if s == nil { // the app is only to be loaded
		return nil
	}
	return func(ctx context.Context, m *wire.Purge) (int, error) {
		n, err := s.Of(ctx, app, cache.Purges{URLs: m.URLs, Prefixes: m.Prefixes, Groups: m.Groups, All: m.All, Soft: m.Soft})
		if err == cache.ErrOff {
			err = nil
			if _, told := s.told.LoadOrStore(app, true); !told {
				s.log.Info("purge_without_cache", "app", app, "message", "app "+app+" purges the HTTP cache, which is off for it; nothing is done (logged once)")
			}
		} else if err != nil {
			s.log.Error("purge_failed", "app", app, "removed", n, "error", err)
		}
		return n, err
	}
}

// method is the stage of PURGE; nil: it is off.
func (s *Purges) method(t *site, pages *httpx.Pages) func(http.Handler) http.Handler {
	from := t.cfg.Cache.PurgeFrom
	if len(from) == 0 || s == nil { // nil: requests are explained
		return nil
	}
	return cache.Method(cache.MethodOptions{Cache: s.caching.made.Load, From: from, IgnoreQuery: t.cfg.Cache.IgnoreQuery, Pages: pages, Log: s.log})
}

// cachedFor are the names in the cache of what is stored for an app: itself, and the routes that lead to it.
func (t *site) cachedFor(app string) (names []string) {
	if r := t.run(app); r != nil && r.app.Caching.On {
		names = append(names, app)
	}
	for i, name := range routeNames(t.cfg.Routes) {
		if r := &t.cfg.Routes[i]; r.Caching.On && r.Handler == "app" && r.Answer.App == app {
			names = append(names, cachedRoute(name))
		}
	}
	return names
}
