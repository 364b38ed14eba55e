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

// Router gives each request to the app whose pattern fits best. It does not change once
// made; a new config makes a new Router.
type Router struct {
	// Trace is told what each pattern says of a request; nil: nobody is. It is set before the
	// first request.
	Trace func(Verdict)

	list    []target
	pages   *httpx.Pages
	log     hclog.Logger
	limiter httpx.LogLimiter // of no_route
}

// New makes a Router. It fails on a bad mount or host, and when two rules have the same
// pattern. pages nil: the built-in ones; log nil: no records are written.
func New(rules []Rule, pages *httpx.Pages, log hclog.Logger) (*Router, error) {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	list, err := patterns("app", rules)
	if err != nil {
		return nil, err
	}
	taken := make(map[Pattern]string)
	for _, t := range list {
		if other, ok := taken[t.Pattern]; ok {
			return nil, fmt.Errorf("apps %q and %q have the same mount %q and host %q", other, t.name, t.Mount+"/", t.Host)
		}
		taken[t.Pattern] = t.name
	}
	slices.SortStableFunc(list, func(a, b target) int { return precedence(a.Pattern, b.Pattern) })
	return &Router{list: list, pages: pages, log: log, limiter: httpx.LogLimiter{Every: time.Hour, Max: 100}}, nil
}

// precedence is below 0 when a is asked before b.
func precedence(a, b Pattern) int {
	rank := func(p Pattern) int {
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
	for i := range rt.list {
		matches := rt.list[i].Match(r)
		if rt.Trace != nil {
			rt.Trace(rt.list[i].verdict(r))
		}
		if matches {
			rt.list[i].handler.ServeHTTP(w, r)
			return
		}
	}
	rt.none(w, r)
}

// none answers a request that no app matches. It writes a record once an hour for each host
// and path, at most a hundred times an hour: a scanner does not fill the log.
func (rt *Router) none(w http.ResponseWriter, r *http.Request) {
	n := httpx.Of(w)
	n.Source = "server"
	if rt.limiter.Allow(r.Host+r.URL.Path, time.Now()) {
		rt.log.Warn("no_route", "host", r.Host, "path", r.URL.Path, "id", n.ID,
			"message", fmt.Sprintf("no app for host %s, path %s", r.Host, r.URL.Path))
	}
	rt.pages.Write(w, r, http.StatusNotFound, "", 0)
}

// Absent answers requests that no app matches.
func Absent(pages *httpx.Pages, log hclog.Logger) http.Handler {
	return &Router{pages: pages, log: log, limiter: httpx.LogLimiter{Every: time.Hour, Max: 100}}
}
