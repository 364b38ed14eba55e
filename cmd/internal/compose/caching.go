package compose

import (
	"context"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/disk"
	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/cmd/internal/cachestore"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// purgeTime is how long the answers of an app that has no cache any more may take to go.
const purgeTime = 30 * time.Second

// caching is the HTTP cache of all apps and routes. It is made when the first of them has it on, and outlives reloads:
// what a reload does not change is as the start says.
type caching struct {
	o     cache.Options
	files disk.Options // no Dir: none
	redis string       // the URL of the server that others use, too; empty: none
	log   hclog.Logger

	mu     sync.Mutex
	disk   *disk.Tier                  // nil: there is none
	may    bool                        // files may be opened: this process has the user that serves
	made   atomic.Pointer[cache.Cache] // nil: not yet
	shared atomic.Pointer[cachestore.Store]
}

// cachePrefix begins the keys of the cache in the server that redis names.
const cachePrefix = "standpipe:cache:"

func newCaching(cfg *config.Config, log hclog.Logger) *caching {
	c := &cfg.Cache
	made := &caching{
		log: log, o: cache.Options{Memory: answersMemory(c), MaxObject: c.MaxObject, Wait: c.Wait, PassFor: c.Pass, Log: log},
		files: disk.Options{Dir: c.Dir, Size: c.DirSize, Files: cacheFiles(c), Stale: keptStale(cfg), Log: log},
	}
	if c.Redis {
		made.redis = cfg.Servers.Redis
	}
	return made
}

// What is known of each file takes memory: indexShare is the part of cache_memory for that, but leastFiles are known in any
// case.
const (
	indexShare = 4
	indexEntry = 200 // bytes
	leastFiles = 10_000
)

// answersMemory is the part of cache_memory for stored answers: the rest is for what is known of files, and for answers that
// are on their way, which may take a quarter of it beside it.
func answersMemory(c *config.Cache) int64 {
	m := c.Memory
	if c.Dir != "" {
		m -= m / indexShare
	}
	return m - m/5
}

func cacheFiles(c *config.Cache) int { return int(max(c.Memory/indexShare/indexEntry, leastFiles)) }

// keptStale is how long an answer is kept in files and in Redis after its end: it may be served stale, also by what a reload allows.
func keptStale(cfg *config.Config) time.Duration {
	d := 24 * time.Hour
	for _, a := range cfg.Apps {
		d = max(d, a.Caching.ServeStale)
	}
	for _, r := range cfg.Routes {
		d = max(d, r.Caching.ServeStale)
	}
	return d
}

// open returns the cache.
func (c *caching) open() *cache.Cache {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made.Load() == nil {
		if c.redis != "" { // before the files: only what is asked of it is told of
			store, err := cachestore.Open(cachestore.Options{URL: c.redis, Prefix: cachePrefix, Stale: c.files.Stale, Log: c.log})
			if err != nil {
				panic(err) // the configuration was checked
			}
			c.shared.Store(store)
			c.o.Tiers = append(c.o.Tiers, store)
		}
		if c.files.Dir != "" {
			c.disk = disk.New(c.files)
			c.o.Tiers = append(c.o.Tiers, c.disk)
			if c.may {
				c.disk.Start()
			}
		}
		c.made.Store(cache.New(c.o))
	}
	return c.made.Load()
}

// openFiles opens the folder of the files. It is called once, as the user that serves.
func (c *caching) openFiles() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.may = true; c.disk != nil {
		c.disk.Start()
	}
}

// leaveFiles gives the folder to the process that has taken over: it would have to do without until all clients of this one have
// their answers. What they read is open, and this process goes on with memory.
func (c *caching) leaveFiles() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.disk != nil {
		_ = c.disk.Close()
	}
}

// close ends what it does in the background, and waits.
func (c *caching) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if made := c.made.Load(); made != nil {
		made.Close()
	}
}

// caching is the stage of an app; nil: it is off. codings are what its answers are compressed with.
func (p *parts) caching(cfg *config.Config, a *config.App, codings []string, pages *httpx.Pages) func(http.Handler) http.Handler {
	if !a.Caching.On {
		return nil
	}
	o := cachingOptions(cfg, &a.Caching, pages)
	o.App, o.Settings.Codings = a.Name, codings
	return p.cacheStage(o)
}

func (p *parts) cacheStage(o cache.StageOptions) func(http.Handler) http.Handler {
	if p.trace != nil {
		return p.trace.cache(o)
	}
	return p.cache.open().Stage(o)
}

// caching is the stage of a route.
func (o *oneRoute) caching() func(http.Handler) http.Handler {
	if !o.r.Caching.On {
		return nil
	}
	opts := cachingOptions(o.t.cfg, &o.r.Caching, o.pages)
	opts.App, opts.Route, opts.Conditions = cachedRoute(o.name), true, o.r.Match.String()
	return o.p.cacheStage(opts)
}

func cachingOptions(cfg *config.Config, c *config.Caching, pages *httpx.Pages) cache.StageOptions {
	o := cache.StageOptions{
		Missing: c.Missing, IgnoreQuery: cfg.Cache.IgnoreQuery, Cookies: c.Cookies, Pages: pages,
		Settings: rules.Settings{Targeted: rules.DefaultTargeted, IgnoreDirectives: !cfg.Cache.ClientDirectives, ServeStale: c.ServeStale, SetCookie: c.SetCookies, IgnoreCookies: c.Ignored, Languages: c.Languages},
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		glob, _ := route.NewGlob(r.Path) // the configuration was checked
		one := cache.Rule{Path: glob.Match, TTL: r.TTL, IgnoreCookies: r.Cookies == "ignore"}
		for _, s := range r.Statuses {
			for status := s[0]; status <= s[1]; status++ {
				one.Statuses = append(one.Statuses, status)
			}
		}
		o.Rules = append(o.Rules, one)
	}
	return o
}

// cachedRoute is what a route is called in the cache.
func cachedRoute(name string) string { return "route " + name }

// cached are the apps and routes of a site whose answers are stored, with the conditions of each route.
func (t *site) cached() map[string]any {
	out := map[string]any{}
	for _, r := range t.runs {
		if r.app.Caching.On {
			out[r.app.Name] = nil
		}
	}
	for i, name := range routeNames(t.cfg.Routes) {
		if r := &t.cfg.Routes[i]; r.Caching.On {
			out[cachedRoute(name)] = r.Match // several routes may have one place, and are told apart by their order
		}
	}
	return out
}

// uncached are the apps and routes of old whose stored answers are not those of next: they are gone, or have no cache any
// more, or are another route with the same place. What is stored of the others stays, whatever code they run now.
func uncached(old, next *site) (names []string) {
	now := next.cached()
	for name, was := range old.cached() {
		if is, on := now[name]; !on || !reflect.DeepEqual(was, is) {
			names = append(names, name)
		}
	}
	return names
}

// forget drops what is stored for these apps and routes.
func (c *caching) forget(names []string) {
	made := c.made.Load()
	if made == nil || len(names) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), purgeTime)
	defer cancel()
	_, _ = made.Purge(ctx, cache.Purge{All: true, Apps: names, At: time.Now()}) // what fails has its record
}

// Cache is the HTTP cache.
type Cache struct{ c *caching }

// Get returns it; nil: no app and no route has used it yet.
func (c *Cache) Get() *cache.Cache { return c.c.made.Load() }

// Files are the numbers of its files; nil: there are none.
func (c *Cache) Files() *disk.Stats {
	c.c.mu.Lock()
	defer c.c.mu.Unlock()
	if c.c.disk == nil {
		return nil
	}
	s := c.c.disk.Stats()
	return &s
}

// Stats are its numbers by app and route.
func (c *Cache) Stats() []cache.Stats {
	if made := c.Get(); made != nil {
		return made.Stats()
	}
	return nil
}

// Shared are the numbers of the Redis that servers share; nil: there is none.
func (c *Cache) Shared() *cachestore.Stats {
	store := c.c.shared.Load()
	if store == nil {
		return nil
	}
	st := store.Stats()
	return &st
}
