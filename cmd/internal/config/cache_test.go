package config

import (
	"testing"
	"time"
)

func TestCache(t *testing.T) {
	t.Parallel()
	p := newProject(t, "app.py")
	p.toml(`[cache]
cache_memory = "1MiB"
cache_ignore_query = ["ref", "utm_*"]
cache_purge_from = ["loopback", "10.0.0.0/8"]
[[app]]
cache = "on"
serve_stale = "1h"
cache_cookies = ["lang"]
[[app.cache_rules]]
path = "/articles/**"
ttl = "10m"
[[app.cache_rules]]
path = "/"
status = [200, "301-302"]
ttl = 60
cookies = "ignore"
[[route]]
path = "/api"
upstreams = ["http://127.0.0.1:1"]
cache = "on"
cache_languages = ["de", "pt-BR"]
[[route.cache_rules]]
path = "/api/*"
ttl = "1s"
[[route]]
path = "/live"
upstreams = ["http://127.0.0.1:1"]
`)
	cfg, src := p.load()
	c, app, api := cfg.Cache, cfg.Apps[0].Caching, cfg.Routes[0].Caching
	if c.Memory != 1<<20 || len(c.IgnoreQuery) != 2 || len(c.PurgeFrom) != 3 || !c.ClientDirectives || c.MaxObject != 32<<20 {
		t.Errorf("[cache] %+v", c)
	}
	if !app.On || app.ServeStale != time.Hour || app.Rules[0].Statuses[0] != [2]int{200, 200} || app.Rules[0].Cookies != "pass" || app.Rules[1].TTL != time.Minute || app.Rules[1].Statuses[1] != [2]int{301, 302} {
		t.Errorf("[[app]] %+v", app)
	}
	if !api.On || api.Languages[1] != "pt-BR" || api.Rules[0].TTL != time.Second || cfg.Routes[1].Caching.On {
		t.Errorf("[[route]] %+v", api)
	}
	shown := map[string]string{}
	for _, e := range cfg.Effective(src) {
		shown[e.Key] = e.Value
	}
	if shown["app."+cfg.Apps[0].Name+".cache_rules.1.status"] != "200,301-302" || shown["cache.cache_purge_from"] != "127.0.0.0/8,::1,10.0.0.0/8" {
		t.Errorf("shown: %v", shown)
	}
}

// A flag switches the cache off and leaves the rules in the file; one that switches it on is enough.
func TestCacheSwitch(t *testing.T) {
	t.Parallel()
	p := newProject(t, "app.py")
	p.toml("[[app]]\n[[app.cache_rules]]\npath = \"/\"\nttl = \"1m\"\n")
	p.flag("cache", "off")
	if cfg, _ := p.load(); cfg.Apps[0].Caching.On || Caches(cfg) {
		t.Error("--cache=off leaves it on")
	}
	p.in.Flags = nil
	p.env("STANDPIPE_CACHE=on")
	if cfg, _ := p.load(); !Caches(cfg) {
		t.Error("STANDPIPE_CACHE=on leaves it off")
	}
}

func TestCacheMistakes(t *testing.T) {
	t.Parallel()
	p := newProject(t, "app.py")
	p.toml(`[cache]
cache_memory = 0
cache_ignore_query = ["a*b"]
cache_purge_from = ["0.0.0.0/0"]
[[app]]
cache = "on"
cache_cookies = ["a b"]
cache_languages = ["deutsch-"]
[[app.cache_rules]]
path = "articles"
ttl = 0
status = [304]
[[app.cache_rules]]
path = "/"
[[route]]
path = "/a"
upstreams = ["http://127.0.0.1:1"]
serve_stale = "1h"
[[route]]
path = "/b"
upstreams = ["http://127.0.0.1:1"]
[[route.cache_rules]]
path = "/b"
ttl = "1m"
[[route]]
path = "/c"
redirect = "/x"
cache = "on"
`)
	p.wrong("standpipe.toml:2: cache_memory", "standpipe.toml:3: a*b", "standpipe.toml:4: 0.0.0.0/0", "standpipe.toml:7: cache_cookies a b", "standpipe.toml:8: cache_languages deutsch-",
		"standpipe.toml:10: path articles", "standpipe.toml:11: ttl", "standpipe.toml:12: status 304", "standpipe.toml:13: ttl", "standpipe.toml:18: serve_stale", "standpipe.toml:23: cache_rules", "standpipe.toml:28: cache upstreams redirect")
}

// A shared cache needs a server to share it in.
func TestCacheRedis(t *testing.T) {
	t.Parallel()
	p := newProject(t, "app.py")
	p.toml("[cache]\ncache_redis = true\n")
	p.wrong("standpipe.toml:2: cache_redis")
	p.toml("redis = \"redis://127.0.0.1:1\"\n[cache]\ncache_redis = true\n")
	if cfg, _ := p.load(); !cfg.Cache.Redis {
		t.Errorf("%+v", cfg.Cache)
	}
}

func TestCacheDirMistakes(t *testing.T) {
	t.Parallel()
	p := newProject(t, "app.py", "file", "media/inner/x")
	p.toml("[cache]\ncache_dir = \"media/inner\"\n[[static]]\nurl = \"/media\"\ndir = \"media\"\n")
	p.wrong("standpipe.toml:2: media [[static]]")
	p.toml("[cache]\ncache_dir = \"media\"\n[[app]]\nsendfile_roots = [\"media/inner\"]\n")
	p.wrong("standpipe.toml:2: media sendfile_roots")
	p.toml("[cache]\ncache_dir = \"file\"\n")
	p.wrong("standpipe.toml:2: file")
	p.toml("[cache]\ncache_dir = \"none/stored\"\n")
	p.wrong("standpipe.toml:2: none")
	p.toml("[cache]\ncache_dir = \"stored\"\ncache_dir_size = 1000\n")
	p.wrong("standpipe.toml:3: cache_dir_size 1MiB")
	p.toml("[cache]\ncache_dir = \"stored\"\n")
	p.load()
}

// The parts of the memory budget, on machines of all sizes.
func TestMemoryBudget(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, c := range []struct {
		what                           string
		toml                           string
		memory                         int64
		bodies, answers, static, cache int64
	}{
		{"a large machine", "", 16 << 30, 256 * mib, 64 * mib, 64 * mib, 256 * mib},
		{"a container of 512MiB", "", 512 * mib, 64 * mib, 32 * mib, 32 * mib, 32 * mib},
		{"memory is not known", "", 0, 256 * mib, 64 * mib, 64 * mib, 256 * mib},
		{"a budget", "memory_budget = \"100MiB\"\n", 512 * mib, 40 * mib, 20 * mib, 20 * mib, 20 * mib},
		{"a large budget: the cache gets the rest", "memory_budget = \"4GiB\"\n", 16 << 30, 256 * mib, 64 * mib, 64 * mib, (4096 - 384) * mib},
		{"a budget without a large static_cache", "memory_budget = \"100MiB\"\nstatic_cache = \"1MiB\"\n", 512 * mib, 40 * mib, 20 * mib, 1 * mib, 39 * mib},
		{"a part that is set", "[cache]\ncache_memory = \"300MiB\"\n", 1 << 30, 128 * mib, 64 * mib, 64 * mib, 300 * mib},
		{"no budget", "memory_budget = 0\n", 512 * mib, 256 * mib, 64 * mib, 64 * mib, 256 * mib},
	} {
		p := newProject(t, "app.py")
		p.in.Machine = &Machine{CPUs: 4, Memory: c.memory, Limited: c.memory < 2<<30, OpenFiles: 1000}
		p.toml(c.toml)
		cfg, _, err := Load(p.in)
		if c.what == "no budget" && err != nil { // 640MiB in 512MiB: each is a default, and none is a mistake
			t.Errorf("%s: %v", c.what, err)
		}
		if got := [4]int64{cfg.Memory.Bodies, cfg.Memory.Answers, cfg.Files.Cache, cfg.Cache.Memory}; got != [4]int64{c.bodies, c.answers, c.static, c.cache} {
			t.Errorf("%s: bodies, answers, static, cache: %d MiB", c.what, []int64{got[0] >> 20, got[1] >> 20, got[2] >> 20, got[3] >> 20})
		}
	}
}

func TestMemoryMistakes(t *testing.T) {
	t.Parallel()
	p := newProject(t, "app.py")
	p.in.Machine = &Machine{CPUs: 4, Memory: 512 << 20, Limited: true, OpenFiles: 1000}
	for toml, want := range map[string]string{
		"memory_budget = \"1GiB\"\n": "standpipe.toml:1: memory_budget 1GiB 512MiB",
		"memory_budget = \"1MiB\"\n": "standpipe.toml:1: memory_budget 8MiB",
		"memory_budget = \"100MiB\"\n[cache]\ncache_memory = \"90MiB\"\n[[app]]\ncache = \"on\"\n": "standpipe.toml:3: request bodies 40MiB static_cache cache_memory 90MiB",
		"[cache]\ncache_memory = \"1GiB\"\n[[app]]\ncache = \"on\"\n":                              "standpipe.toml:2: cache_memory 512MiB",
		"static_cache = \"600MiB\"\n": "standpipe.toml:1: static_cache 600MiB 512MiB",
	} {
		p.toml(toml)
		p.wrong(want)
	}
	p.toml("[cache]\ncache_memory = \"1GiB\"\n") // which nothing uses
	p.load()
}
