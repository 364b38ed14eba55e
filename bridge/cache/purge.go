package cache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Purge says what is removed. One of URL, Prefix, Group and All is set.
type Purge struct {
	// URL is scheme://host/path?query, as keyed, or /path?query of every scheme and host; all variants of it are meant.
	URL string
	// Prefix is the beginning of such URLs.
	Prefix string
	// Group is a cache group, of the Origin.
	Group string
	// All means everything.
	All bool
	// Soft: the Answers become stale, so that they can be validated or served stale.
	Soft bool
	// Origin is scheme://host of the Group; empty: of any origin.
	Origin string
	// Apps are those whose Answers are meant, as Answer.App has them; empty: all.
	Apps []string
	// At: Answers that are newer stay.
	At time.Time
}

// ErrPurge: a Purge names nothing, or more than one thing.
var ErrPurge = errors.New("a purge names one of a URL, a prefix, a group and all")

// Check reports whether p names one thing.
func (p *Purge) Check() error {
	n := 0
	for _, set := range [...]bool{p.URL != "", p.Prefix != "", p.Group != "", p.All} {
		if set {
			n++
		}
	}
	if n != 1 {
		return ErrPurge
	}
	return nil
}

// Matches reports whether p names an Answer of app with that URL and these groups.
func (p *Purge) Matches(app, url string, groups []string) bool {
	switch {
	case len(p.Apps) > 0 && !slices.Contains(p.Apps, app):
		return false
	case p.All:
		return true
	case p.URL != "":
		return url == p.URL || p.URL[0] == '/' && pathOf(url) == p.URL
	case p.Prefix != "":
		return strings.HasPrefix(url, p.Prefix) || p.Prefix[0] == '/' && strings.HasPrefix(pathOf(url), p.Prefix)
	}
	return (p.Origin == "" || p.Origin == originOf(url)) && slices.Contains(groups, p.Group)
}

// originOf is scheme://host of a URL.
func originOf(url string) string {
	start := strings.Index(url, "://")
	if start < 0 {
		return ""
	}
	start += len("://")
	if end := strings.IndexByte(url[start:], '/'); end >= 0 {
		return url[:start+end]
	}
	return url
}

// pathOf is /path?query of a URL.
func pathOf(url string) string { return url[len(originOf(url)):] }

// Purge removes what p names from memory and all tiers, and returns how many Answers these were.
func (c *Cache) Purge(ctx context.Context, p Purge) (int, error) {
	if err := p.Check(); err != nil {
		return 0, err
	}
	if p.At.IsZero() {
		p.At = time.Now()
	}
	n := c.forget(p)
	var failed error
	for _, t := range c.tiers.list {
		m, err := t.Purge(ctx, p)
		if err != nil {
			c.tiers.failed(t, "purge", err)
			failed = errors.Join(failed, err)
		}
		n = max(n, m) // most of them are the same
	}
	if len(c.tiers.list) > 0 {
		p.At = time.Now()
		c.forget(p) // what was loaded before the tier had the purge
	}
	return n, failed
}

// forget removes what p names from memory, and has it not stored by fetches that are under way.
func (c *Cache) forget(p Purge) int {
	c.flights.purge(p)
	c.saver.purge(&p)
	c.trust.purged()
	return c.mem.purge(&p, c.counters.apps())
}

// purge removes what p names. apps are all there are.
func (m *memory) purge(p *Purge, apps []string) (n int) {
	var keys []Key
	if strings.Contains(p.URL, "://") {
		keys = m.keysOf(p.URL, apps)
	} else {
		keys = m.keys()
	}
	for _, k := range keys {
		n += m.change(k, func(a *Answer) *Answer {
			switch {
			case a.Terms.At.After(p.At) || !p.Matches(a.App, a.URL, a.Groups):
				return a
			case !p.Soft:
				return nil
			case a.Terms.SoftPurged.IsZero():
				return a.Staled(p.At)
			}
			return a
		})
	}
	return n
}
