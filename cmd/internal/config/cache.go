package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Cache says where the answers of apps and upstreams are stored, and what holds for all of them. Caching says which are.
type Cache struct {
	Memory    int64 `key:"cache_memory"`     // bytes; 0: none are stored in memory
	MaxObject int64 `key:"cache_max_object"` // bytes of one answer; 0: no limit
	Redis     bool  `key:"cache_redis"`      // answers are shared with other servers in the Redis that Servers names

	Dir     string `key:"cache_dir"`      // for stored answers; empty: there are no files
	DirSize int64  `key:"cache_dir_size"` // bytes of the files

	Wait time.Duration `key:"cache_wait"` // how long a request waits for the answer that another one has asked for; 0: not at all
	Pass time.Duration `key:"cache_pass"` // how long a URL whose answer cannot be stored is remembered; 0: not at all

	IgnoreQuery      []string       // parameters of queries that are not part of the key; "*" at the end stands for any text
	PurgeFrom        []netip.Prefix // clients that may send PURGE; none: the method has no meaning
	ClientDirectives bool           `key:"cache_client_directives"` // Cache-Control of requests counts
}

// Settings are those of [cache].
func (*Cache) Settings() schema.Group {
	return schema.Group{Key: "cache", Settings: []schema.Setting{
		{Key: "cache_memory", Kind: schema.Size, Default: "256MiB", Derived: "1/16 of the memory limit where that is less; what the other parts leave of memory_budget, when that is set"},
		{Key: "cache_max_object", Kind: schema.Size, Default: "32MiB"},
		{Key: "cache_dir", Kind: schema.Path, Hint: "DIR", Derived: "none: answers are stored in memory alone"},
		{Key: "cache_dir_size", Kind: schema.Size, Default: "1GiB"},
		{Key: "cache_redis", Kind: schema.Switch, Default: "off"},
		{Key: "cache_wait", Kind: schema.Duration, Default: "5s"},
		{Key: "cache_pass", Kind: schema.Duration, Default: "10s"},
		{Key: "cache_ignore_query", Kind: schema.List, Hint: "NAME,...", Reload: true, Default: ignoredQuery,
			Set: schema.Set(setIgnoreQuery), Show: schema.Show(func(c *Cache) (string, bool) { return strings.Join(c.IgnoreQuery, ","), true })},
		{Key: "cache_purge_from", Kind: schema.List, Hint: "NETWORK,...", Derived: "none", Reload: true,
			Set: schema.Set(setPurgeFrom), Show: schema.Show(func(c *Cache) (string, bool) {
				return strings.Join(networkTexts(c.PurgeFrom), ","), len(c.PurgeFrom) > 0
			})},
		{Key: "cache_client_directives", Kind: schema.Switch, Default: "on", Reload: true},
	}}
}

// ignoredQuery are parameters that advertisers and mailing lists append for scripts in the page.
const ignoredQuery = "utm_*,gclid,gclsrc,dclid,gbraid,wbraid,fbclid,msclkid,twclid,ttclid,yclid,igshid,mc_cid,mc_eid,_hsenc,_hsmi"

func setIgnoreQuery(c *Cache, in schema.Input) error {
	c.IgnoreQuery = nil
	for _, v := range in.List() {
		if name := strings.TrimSuffix(v, "*"); name == "" || strings.ContainsAny(name, "*&=#;%+ ") {
			return fmt.Errorf("%q is not the name of a parameter; it is for example ref, or utm_* for all that begin so", v)
		}
		c.IgnoreQuery = append(c.IgnoreQuery, v)
	}
	return nil
}

func setPurgeFrom(c *Cache, in schema.Input) error {
	c.PurgeFrom = nil
	for _, v := range in.List() {
		if v == "loopback" || v == "localhost" {
			c.PurgeFrom = append(c.PurgeFrom, loopback...)
			continue
		}
		p, err := parseNetwork(v, "10.0.3.7, 10.0.0.0/8 or loopback")
		if err != nil {
			return err
		}
		if p.Bits() == 0 {
			return fmt.Errorf("%q is every client, and each could empty the cache; name those that may", v)
		}
		c.PurgeFrom = append(c.PurgeFrom, p)
	}
	return nil
}

// leastDirSize is the least cache_dir_size.
const leastDirSize = 1 << 20

// checkCache finds a cache that would store nothing, and a Redis that is not named.
func checkCache(c *Config, r *schema.Row) {
	if row := r.Other("cache"); c.Cache.Redis && c.Servers.Redis == "" && !row.Unsure("redis") {
		row.Bad("cache_redis", "cache_redis is on, and redis is not set; write redis = \"redis://127.0.0.1:6379\" at the top")
	}
	if row := r.Other("cache"); Caches(c) && c.Cache.Memory == 0 && c.Cache.Dir == "" && !row.Unsure("cache_memory") {
		row.Bad("cache_memory", "cache_memory is 0, and nothing would be stored; raise it, name a cache_dir, or write cache = \"off\"")
	}
	row := r.Other("cache")
	if c.Cache.Dir != "" {
		checkCacheDir(c, row)
	}
	if c.Cache.DirSize < leastDirSize && !row.Unsure("cache_dir_size") {
		row.Bad("cache_dir_size", "cache_dir_size is less than %s; leave cache_dir out where no files are wanted", schema.FormatSize(leastDirSize))
	}
}

// Caches reports whether the cache is on for an app or a route.
func Caches(c *Config) bool {
	return slices.ContainsFunc(c.Apps, func(a App) bool { return a.Caching.On }) || slices.ContainsFunc(c.Routes, func(r Route) bool { return r.Caching.On })
}

// checkCacheDir finds a folder that cannot be used, and one that clients could read.
func checkCacheDir(c *Config, row *schema.Row) {
	dir := c.Cache.Dir
	switch st, err := os.Stat(dir); {
	case err == nil && !st.IsDir():
		row.Bad("cache_dir", "cache_dir %s is not a folder", dir)
	case err == nil && !writable(dir):
		row.Bad("cache_dir", "cache_dir %s cannot be written; change its owner, or name another folder", dir)
	case err != nil:
		if err := checkFolder(filepath.Dir(dir)); err != nil {
			row.Bad("cache_dir", "cache_dir %s cannot be made: %v", dir, err)
		}
	}
	for _, served := range servedFolders(c) {
		if served.dir != "" && (dir == served.dir || beneath(dir, served.dir) || beneath(served.dir, dir)) {
			row.Bad("cache_dir", "cache_dir %s and %s of %s overlap: clients could read what is stored for others; name a folder of its own", dir, served.dir, served.what)
		}
	}
}

// servedFolder is a folder whose files clients get.
type servedFolder struct{ what, dir string }

func servedFolders(c *Config) (list []servedFolder) {
	add := func(what string, dirs ...string) {
		for _, dir := range dirs {
			list = append(list, servedFolder{what, dir})
		}
	}
	for i := range c.Static {
		add("[[static]]", c.Static[i].Dir)
	}
	for i := range c.Internal {
		add("[[internal]]", c.Internal[i].Dir)
	}
	for i := range c.Routes {
		add("[[route]] static", c.Routes[i].Answer.Files.Dir)
	}
	for i := range c.Apps {
		f := &c.Apps[i].Files
		for j := range f.Static {
			add("static", f.Static[j].Dir)
		}
		add("sendfile_roots", f.SendfileRoots...)
	}
	return list
}
