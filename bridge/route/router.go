package route

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Rule gives an app its places.
type Rule struct {
	// Name is the app's name, for messages.
	Name string
	// Mount is the path under which the app lives: "/shop"; "" and "/": all.
	Mount string
	// Hosts are the names it answers for; none: all.
	Hosts []string
	// Handler gets the requests. It knows its mount by itself.
	Handler http.Handler
}

// Router hands each request to the app whose place fits best. It does not change
// once made; a new config makes a new Router.
type Router struct {
	places  []placed
	pages   *httpx.Pages
	log     hclog.Logger
	limiter httpx.LogLimiter
}

type placed struct {
	Place
	name    string
	handler http.Handler
}

// New makes a Router. It fails on a bad mount or host, and when two rules have
// the same place. pages nil: the built-in ones; log nil: none.
func New(rules []Rule, pages *httpx.Pages, log hclog.Logger) (*Router, error) {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	rt := &Router{pages: pages, log: log, limiter: httpx.LogLimiter{Every: time.Hour, Max: 100}}
	taken := make(map[Place]string)
	for _, rule := range rules {
		hosts := rule.Hosts
		if len(hosts) == 0 {
			hosts = []string{""}
		}
		for _, host := range hosts {
			p, err := NewPlace(rule.Mount, host)
			if err != nil {
				return nil, fmt.Errorf("app %q: %w", rule.Name, err)
			}
			if other, ok := taken[p]; ok {
				return nil, fmt.Errorf("apps %q and %q have the same mount %q and host %q", other, rule.Name, p.Mount+"/", host)
			}
			taken[p] = rule.Name
			rt.places = append(rt.places, placed{p, rule.Name, rule.Handler})
		}
	}
	slices.SortStableFunc(rt.places, func(a, b placed) int { return precedence(a.Place, b.Place) })
	return rt, nil
}

// precedence is below 0 when a is asked before b.
func precedence(a, b Place) int {
	rank := func(p Place) int {
		switch {
		case p.Host == "":
			return 0
		case strings.HasPrefix(p.Host, "*."):
			return len(p.Host)
		}
		return 1 << 30
	}
	if d := rank(b) - rank(a); d != 0 {
		return d
	}
	return len(b.Mount) - len(a.Mount)
}

func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for i := range rt.places {
		p := &rt.places[i]
		ok, err := p.Match(r)
		if err != nil {
			httpx.Of(w).Err = err
			rt.pages.Write(w, r, http.StatusInternalServerError, "", 0)
			return
		}
		if ok {
			p.handler.ServeHTTP(w, r)
			return
		}
	}
	rt.none(w, r)
}

// none answers what no app takes, and says so once an hour for each host and path,
// at most a hundred times an hour: who scans for paths does not fill the log.
func (rt *Router) none(w http.ResponseWriter, r *http.Request) {
	n := httpx.Of(w)
	n.Source = "server"
	if rt.limiter.Allow(r.Host+r.URL.Path, time.Now()) {
		rt.log.Warn("no_route", "host", r.Host, "path", r.URL.Path, "id", n.ID,
			"hint", fmt.Sprintf("no app for host %s, path %s", r.Host, r.URL.Path))
	}
	rt.pages.Write(w, r, http.StatusNotFound, "", 0)
}
