package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Caching says which answers of an app or a route are stored and served again.
type Caching struct {
	On         bool          `key:"cache"`
	ServeStale time.Duration `key:"serve_stale"`          // how long after its end an answer is served while there is no other; 0: as the answer says
	Cookies    []string      `key:"cache_cookies"`        // that are part of the key
	Ignored    []string      `key:"cache_ignore_cookies"` // that mean nothing to the app; "*" at the end stands for any text
	SetCookies []string      `key:"cache_set_cookies"`    // that stored answers may set
	Languages  []string      `key:"cache_languages"`      // that the app has, for Vary: Accept-Language; none: as clients send them
	Missing    time.Duration `key:"cache_missing"`        // lifetime of 404 and 410 that say nothing of it; 0: none
	Rules      []CachingRule // [[app.cache_rules]]; the first match wins
}

// Settings are keys of [[app]] and [[route]].
func (*Caching) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "cache", Kind: schema.Switch, Default: "off", Reload: true},
		{Key: "serve_stale", Kind: schema.Duration, Default: "0", Reload: true},
		{Key: "cache_cookies", Kind: schema.List, Derived: "none", Hint: "NAME,...", Reload: true},
		{Key: "cache_ignore_cookies", Kind: schema.List, Derived: "none", Hint: "NAME,...", Reload: true},
		{Key: "cache_set_cookies", Kind: schema.List, Derived: "none", Hint: "NAME,...", Reload: true},
		{Key: "cache_languages", Kind: schema.List, Derived: "as the clients send them", Hint: "de,en,...", Reload: true},
		{Key: "cache_missing", Kind: schema.Duration, Default: "0", Reload: true},
	}}
}

// CachingRule says how long answers that say nothing of it are fresh.
type CachingRule struct {
	Path     string        `key:"path"` // a glob of the whole path, as path_glob
	Statuses [][2]int      // from, to
	TTL      time.Duration `key:"ttl"`
	Cookies  string        `key:"cookies"` // "pass": requests with cookies pass; "ignore": they get what others get
}

// Settings are those of [[app.cache_rules]] and [[route.cache_rules]].
func (*CachingRule) Settings() schema.Group {
	return schema.Group{Key: "cache_rules", FileOnly: true, Settings: []schema.Setting{
		{Key: "path", Kind: schema.Text, Reload: true, Required: `path = "/articles/**"`},
		{Key: "status", Kind: schema.List, Default: "200", Reload: true,
			Set: schema.Set(func(c *CachingRule, in schema.Input) (err error) {
				c.Statuses, err = parseStatuses(in.List())
				return err
			}), Show: schema.Show(func(c *CachingRule) (string, bool) { return formatStatuses(c.Statuses), true })},
		{Key: "ttl", Kind: schema.Duration, Reload: true, Required: `ttl = "10m"`},
		{Key: "cookies", Kind: schema.Choice, Choices: []string{"pass", "ignore"}, Default: "pass", Reload: true},
	}}
}

// longestTTL is what RFC 9111 1.2.2 has caches take for any longer time.
const longestTTL = (1 << 31) * time.Second

// Check finds a path that no request has, and times that are none.
func (c *CachingRule) Check(row *schema.Row) {
	if _, err := route.NewGlob(c.Path); err != nil && row.Given("path") {
		row.Bad("path", "path: %v", err)
	}
	if row.Given("ttl") && (c.TTL < time.Second || c.TTL > longestTTL) {
		row.Bad("ttl", "ttl is %s; it is 1s to 68 years, and without a rule nothing is stored that says nothing", schema.FormatDuration(c.TTL))
	}
	for _, s := range c.Statuses {
		if s[0] < 200 || s[0] <= 304 && s[1] >= 304 || s[0] <= 206 && s[1] >= 206 {
			row.Bad("status", "status %s: answers with 1xx, 206 and 304 are no whole answers and are not stored", formatStatuses([][2]int{s}))
		}
	}
}

// Check finds keys that have no effect.
func (c *Caching) Check(row *schema.Row) {
	if !row.Given("cache") && !row.Unsure("cache") {
		for _, key := range []string{"serve_stale", "cache_cookies", "cache_ignore_cookies", "cache_set_cookies", "cache_languages", "cache_missing"} {
			if row.Given(key) {
				row.Bad(key, "%s has no effect, because the cache is off here; write cache = \"on\" beside it", key)
			}
		}
		if len(c.Rules) > 0 {
			rule := row.Other(row.Path + ".cache_rules.0")
			rule.Bad("path", "cache_rules have no effect, because the cache is off here; write cache = \"on\" in the table around them")
		}
	}
	for key, list := range map[string][]string{"cache_cookies": c.Cookies, "cache_ignore_cookies": c.Ignored, "cache_set_cookies": c.SetCookies} {
		for _, name := range list {
			if !isToken(name) {
				row.Bad(key, "%s: %q is not the name of a cookie", key, name)
			}
		}
	}
	for _, tag := range c.Languages {
		if why := badLanguage(tag); why != nil {
			row.Bad("cache_languages", "cache_languages: %v", why)
		}
	}
	if c.ServeStale > longestTTL || c.Missing > longestTTL {
		row.Bad("serve_stale", "serve_stale and cache_missing are at most 68 years")
	}
}

// badLanguage says what is wrong with a language tag (RFC 5646 2.1: letters and digits between hyphens); nil: nothing.
func badLanguage(tag string) error {
	for i, part := range strings.Split(tag, "-") {
		if part == "" || len(part) > 8 || strings.ContainsFunc(part, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9')
		}) {
			return fmt.Errorf("%q is not a language such as de or pt-BR", tag)
		}
	}
	return nil
}
