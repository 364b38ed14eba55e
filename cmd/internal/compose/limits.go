package compose

import (
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/limit"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/limitstore"
)

// counted is what a limit has counted, of which keys. A reload that changes something else of the
// limit goes on counting.
type counted struct {
	state      *limit.State
	key        string
	bits, keys int
}

// countedBy are those of a configuration, by name; old is the site before it, nil: none.
func countedBy(cfg *config.Config, old *site) map[string]*counted {
	if len(cfg.RateLimits) == 0 {
		return nil
	}
	list := make(map[string]*counted, len(cfg.RateLimits))
	for i := range cfg.RateLimits {
		l := &cfg.RateLimits[i]
		next := counted{key: l.Key.String(), bits: l.IPv6Prefix, keys: l.Keys}
		if old != nil && old.limits[l.Name] != nil {
			next.state = old.limits[l.Name].state
			if *old.limits[l.Name] == next {
				list[l.Name] = old.limits[l.Name]
				continue
			}
		}
		next.state = limit.NewState(l.Keys)
		list[l.Name] = &next
	}
	return list
}

// limit is the stage of the limits of an app, or (empty) of all requests; nil: there are none.
func (t *site) limit(app string, p *parts, pages *httpx.Pages) func(http.Handler) http.Handler {
	var stages []Stage
	for _, l := range config.LimitsOf(t.cfg.RateLimits, app) {
		status, _ := strconv.Atoi(l.Status) // one of the setting's choices
		stages = append(stages, Stage{l.Name, limit.New(limit.Options{
			Name: l.Name, State: t.limits[l.Name].state, Key: l.Key, IPv6Prefix: l.IPv6Prefix, Store: p.limitStore.of(l), FailClosed: l.Fail == "closed", Rate: l.Bounds(), Concurrency: l.Concurrency,
			Applies: applies(l), App: app, Status: status, Announce: l.Fields == "all", DryRun: l.DryRun, Pages: pages, Log: p.log,
		})})
	}
	if stages == nil {
		return nil
	}
	return func(next http.Handler) http.Handler { return wrap(next, stages) }
}

// limitStore is the Redis of the limits that several servers count together. It is opened when the
// first such limit is there, and stays.
type limitStore struct {
	url string
	log hclog.Logger

	mu   sync.Mutex
	open *limitstore.Store // nil: not yet
}

// of is where a limit is counted; nil: in memory.
func (s *limitStore) of(l *config.RateLimit) limit.Store {
	if l.Store != "redis" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		var err error
		if s.open, err = limitstore.Open(s.url, s.log); err != nil {
			panic(err) // the configuration was checked
		}
	}
	return s.open
}

func (s *limitStore) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		s.open.Close()
	}
}

// applies tells which requests a limit is for; nil: all.
func applies(l *config.RateLimit) func(*http.Request) bool {
	if l.Path == "/" && len(l.Hosts) == 0 && len(l.Methods) == 0 {
		return nil
	}
	hosts := l.Hosts
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	patterns := make([]route.Pattern, len(hosts))
	for i, h := range hosts {
		patterns[i], _ = route.NewPattern(l.Path, h) // the configuration was checked
	}
	methods := l.Methods
	return func(r *http.Request) bool {
		return (methods == nil || slices.Contains(methods, r.Method)) && slices.ContainsFunc(patterns, func(p route.Pattern) bool { return p.Match(r) })
	}
}

// LimitStats are the numbers of one [[limit]].
type LimitStats struct {
	Name string
	limit.Stats
	Shared bool // it is counted in Redis
	Away   bool // which is away
}

// Limits are the [[limit]] that are in force.
type Limits struct {
	sites *sites
	store *limitStore
}

// Stats are the numbers of each, in the config's order.
func (l *Limits) Stats() []LimitStats {
	t := l.sites.current.Load()
	if t == nil {
		return nil
	}
	list := make([]LimitStats, len(t.cfg.RateLimits))
	for i := range t.cfg.RateLimits {
		r := &t.cfg.RateLimits[i]
		list[i] = LimitStats{Name: r.Name, Stats: t.limits[r.Name].state.Stats()}
		if store := l.store.of(r); store != nil {
			list[i].Shared, list[i].Away = true, store.Away()
		}
	}
	return list
}
