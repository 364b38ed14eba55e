package compose

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/kept"
	"github.com/standpipe/standpipe/bridge/limit"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/limitstore"
)

// counted is what a limit has counted, of which keys. A reload that changes something else of the
// limit goes on counting.
type counted struct {
	state      *limit.State
	offenders  *limit.Offenders // nil: no client is denied for it
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
		next := &counted{key: l.Key.String(), bits: l.IPv6Prefix, keys: l.Keys}
		list[l.Name] = next
		if was := old.counted(l.Name); was != nil {
			next.offenders = was.offenders
			if was.key == next.key && was.bits == next.bits && was.keys == next.keys {
				next.state = was.state
			}
		}
		if next.state == nil {
			next.state = limit.NewState(l.Keys)
		}
		if next.offenders == nil && l.BanAfter > 0 {
			next.offenders = limit.NewOffenders()
		}
	}
	return list
}

// keptLimits is the name of what the limits have counted in what Server.Keep returns.
const keptLimits = "limits"

// keptLimit is what another process gets of one limit.
type keptLimit struct {
	Name   string `json:"name"`
	Key    string `json:"key"`
	Bits   int    `json:"bits"`
	Counts []byte `json:"counts"`
}

const (
	maxKeptLimits    = 50
	maxKeptLimitSize = 4 << 20 // bytes, in JSON
)

// keep returns what the limits have counted, for the process of an upgrade; nil: there are none.
func (l *Limits) keep() ([]byte, error) {
	var list []keptLimit
	t := l.sites.current.Load()
	for name, c := range t.limits {
		if len(list) < maxKeptLimits {
			list = append(list, keptLimit{name, c.key, c.bits, c.state.Encode(time.Now())})
		}
	}
	if list == nil {
		return nil, nil
	}
	return json.Marshal(list)
}

// restoreLimits goes on with what the process before this one has counted, where a limit counts the same.
func restoreLimits(t *site, b []byte) error {
	return kept.Each(b, maxKeptLimits, maxKeptLimitSize, func(k keptLimit) error {
		if c := t.limits[k.Name]; c != nil && c.key == k.Key && c.bits == k.Bits {
			return c.state.Restore(k.Counts, time.Now())
		}
		return nil
	})
}

// counted is what a limit of the site has counted; nil: there is none.
func (t *site) counted(name string) *counted {
	if t == nil {
		return nil
	}
	return t.limits[name]
}

// limit is the stage of the limits of an app, or (empty) of all requests; nil: there are none.
func (t *site) limit(app string, p *parts, pages *httpx.Pages) func(http.Handler) http.Handler {
	var stages []Stage
	for _, l := range config.LimitsOf(t.cfg.RateLimits, app) {
		status, _ := strconv.Atoi(l.Status) // one of the setting's choices
		stages = append(stages, Stage{l.Name, limit.New(limit.Options{
			Name: l.Name, State: t.limits[l.Name].state, Key: l.Key, IPv6Prefix: l.IPv6Prefix, Store: p.limitStore.of(l), FailClosed: l.Fail == "closed", Rate: l.Bounds(), Concurrency: l.Concurrency,
			Applies: applies(l), App: app, Status: status, Announce: l.Fields == "all", DryRun: l.DryRun, Ban: t.banOf(l, p), Pages: pages, Log: p.log,
		})})
	}
	if stages == nil {
		return nil
	}
	return func(next http.Handler) http.Handler { return wrap(next, stages) }
}

// banOf says when a client that exceeds a limit is denied altogether; nil: never.
func (t *site) banOf(l *config.RateLimit, p *parts) *limit.BanOptions {
	if l.BanAfter == 0 {
		return nil
	}
	return &limit.BanOptions{Offenders: t.limits[l.Name].offenders, After: l.BanAfter, Within: l.BanWithin, For: l.BanFor,
		Denier: p.clients.Denied, Spared: spared(t.cfg), Cause: "limit " + l.Name, Log: p.log}
}

// spared tells which networks are never denied: this machine and the trusted proxies, which speak for many clients.
func spared(cfg *config.Config) func(netip.Prefix) bool {
	list := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, p := range cfg.Trust.Proxies {
		if p.Bits() > 0 { // "*" names no proxy
			list = append(list, p)
		}
	}
	return func(network netip.Prefix) bool { return slices.ContainsFunc(list, network.Overlaps) }
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

	scanners *scanners
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
