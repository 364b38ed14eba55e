package nginx

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// cacheOf reads proxy_cache and its kin of a location that asks another server: the keys of the HTTP cache in its route.
type cacheOf struct {
	t     *translation
	s     *scope
	kind  string // "proxy_", "uwsgi_" or "fastcgi_"
	route *draft.Table
}

// setCache puts the keys of the cache into a route; nothing: nginx does not store these answers.
func setCache(t *translation, s *scope, pass directive, m match, route *draft.Table) {
	c := &cacheOf{t: t, s: s, kind: strings.TrimSuffix(pass.name, "pass"), route: route}
	d, ok := s.get(c.kind + "cache")
	if !ok || d.arg(0) == "off" {
		return
	}
	if strings.Contains(d.arg(0), "$") {
		t.d.Missing(d.at, d.String(), "the name has variables; cache is on or off in a [[route]]")
		return
	}
	route.Set(d.at, "cache", true)
	passes := c.cookies()
	c.stale(d.arg(0))
	c.key()
	for _, d := range c.all("cache_valid") {
		c.rule(d, m, passes)
	}
}

// all are the directives of a name in the nearest block that has one.
func (c *cacheOf) all(name string) (list []directive) {
	for s := c.s; s != nil && list == nil; s = s.around {
		for _, d := range s.list {
			if d.name == c.kind+name {
				list = append(list, d)
			}
		}
	}
	return list
}

// rule makes a rule of proxy_cache_valid.
func (c *cacheOf) rule(d directive, m match, passes bool) {
	ttl, ok := seconds(last(d))
	if n, err := strconv.ParseFloat(strings.TrimSuffix(ttl, "s"), 64); !ok || err != nil || n < 1 {
		if ok && n == 0 {
			return // not stored
		}
		c.t.d.Missing(d.at, d.String(), "ttl of a rule is at least 1s")
		return
	}
	rule := c.route.Add("[[route.cache_rules]]")
	path := m.path()
	switch {
	case m.how == "=":
	case m.isRegex():
		path = "/**"
	default:
		path += "**"
	}
	rule.Set(d.at, "path", path)
	statuses := d.args[:len(d.args)-1]
	switch {
	case len(statuses) == 0:
		statuses = []string{"200", "301", "302"}
	case slices.Contains(statuses, "any"):
		statuses = []string{"200-205", "207-303", "305-599"}
	}
	rule.Set(d.at, "status", slices.Clone(statuses))
	rule.Set(d.at, "ttl", ttl)
	if !passes {
		rule.Set(draft.Place{}, "cookies", "ignore") // as there
	}
}

// cookies reads when the cache is left out, and reports whether requests with cookies pass.
func (c *cacheOf) cookies() (pass bool) {
	for _, name := range []string{"cache_bypass", "no_cache"} {
		for _, d := range c.all(name) {
			for _, v := range d.args {
				v = strings.Trim(v, "${}")
				switch {
				case strings.HasPrefix(v, "cookie_") || v == "http_cookie":
					pass = true
				case v == "http_authorization" || v == "http_pragma" || v == "http_cache_control":
				default:
					c.t.d.Missing(d.at, d.String(), "requests with cookies pass where a rule stores (`cookies` in [[route.cache_rules]]); else the answer's own fields say that it is not stored")
				}
			}
		}
	}
	return pass
}

// stale reads when answers are served after their end.
func (c *cacheOf) stale(zone string) {
	for _, d := range c.all("cache_use_stale") {
		if slices.ContainsFunc(d.args, func(v string) bool { return v == "error" || v == "timeout" || strings.HasPrefix(v, "http_50") }) {
			c.route.Set(d.at, "serve_stale", cmp.Or(c.t.zones[c.kind+zone], usualInactive))
		}
	}
}

// key reads what answers are stored for.
func (c *cacheOf) key() {
	d, ok := c.s.get(c.kind + "cache_key")
	if !ok {
		return
	}
	var names []string
	for part := range strings.SplitSeq(strings.Join(d.args, ""), "$") {
		switch part = strings.Trim(part, "{}:|-_ /?"); {
		case part == "", slices.Contains(keyed, part):
		case strings.HasPrefix(part, "cookie_"):
			names = append(names, strings.TrimPrefix(part, "cookie_"))
		default:
			c.t.d.Missing(d.at, d.String(), "$%s is not part of a key here: answers name what they depend on in Vary", part)
		}
	}
	if len(names) > 0 {
		c.route.Set(d.at, "cache_cookies", names)
	}
}

// keyed are variables that are part of each key, or mean nothing beside those that are.
var keyed = []string{"scheme", "proxy_host", "host", "http_host", "request_uri", "uri", "args", "is_args", "query_string", "request_method", "server_name", "server_port", "proxy_port"}

// usualInactive is how long nginx keeps an answer that is not asked for, when proxy_cache_path does not say it.
const usualInactive = "600s"

// readCaches reads proxy_cache_path and its kin: how long an answer stays that is not asked for, and a
// folder.
func readCaches(t *translation, list []directive) {
	for _, d := range list {
		kind, ok := strings.CutSuffix(d.name, "cache_path")
		if !ok {
			continue
		}
		zone, inactive := "", usualInactive
		for _, a := range d.args[min(1, len(d.args)):] {
			if v, ok := strings.CutPrefix(a, "keys_zone="); ok {
				zone, _, _ = strings.Cut(v, ":")
			}
			if v, ok := strings.CutPrefix(a, "max_size="); ok && size(v) != "" {
				t.d.Table("[cache]").Suggest(d.at, "cache_dir_size", size(v))
			}
			if v, ok := strings.CutPrefix(a, "inactive="); ok {
				if d, ok := seconds(v); ok {
					inactive = d
				}
			}
		}
		t.zones[kind+zone] = inactive
		t.d.Table("[cache]").Suggest(d.at, "cache_dir", "/var/cache/standpipe") // nginx's folder has its own files
	}
}
