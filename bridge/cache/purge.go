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
	return c.purge(ctx, []Purge{p})
}

// purge is Purge for several at a time. A tier that fails is not asked for the rest.
func (c *Cache) purge(ctx context.Context, list []Purge) (int, error) {
	n := c.forget(list...)
	var failed error
	for _, t := range c.tiers.list {
		m := 0
		for _, p := range list {
			k, err := t.Purge(ctx, p)
			m += k
			if err != nil {
				c.tiers.failed(t, "purge", err)
				failed = errors.Join(failed, err)
				break
			}
		}
		n = max(n, m) // most of them are the same
	}
	if len(c.tiers.list) > 0 {
		now := time.Now()
		for i := range list {
			list[i].At = now
		}
		c.forget(list...) // what was loaded before the tier had the purge
	}
	return n, failed
}

// forget removes what list names from memory, and has it not stored by fetches that are under way.
func (c *Cache) forget(list ...Purge) int {
	for i := range list {
		c.flights.purge(list[i])
		c.saver.purge(&list[i])
	}
	c.trust.purged()
	return c.mem.purge(newNamed(list), c.counters.apps())
}

// purge removes what n names. apps are all there are. One pass over the memory is enough for all of it, and it does not count as a use
// of what it sees.
func (m *memory) purge(n *named, apps []string) (removed int) {
	var keys []Key
	for url := range n.urls {
		keys = append(keys, m.keysOf(url, apps)...)
	}
	if n.scans() {
		m.writing.Lock() // whatever was valid before the purge is there
		for k, s := range m.sets.All() {
			if slices.ContainsFunc(s.list, func(a *Answer) bool { return n.find(a) != nil }) {
				keys = append(keys, k)
			}
		}
		m.writing.Unlock()
	}
	for _, k := range keys {
		removed += m.change(k, func(a *Answer) *Answer {
			switch p := n.find(a); {
			case p == nil:
				return a
			case !p.Soft:
				return nil
			case a.Terms.SoftPurged.IsZero():
				return a.Staled(p.At)
			}
			return a
		})
	}
	return removed
}

// named finds the Purge that names an Answer.
type named struct {
	urls, groups map[string][]*Purge
	others       []*Purge
}

func newNamed(list []Purge) *named {
	n := &named{urls: map[string][]*Purge{}, groups: map[string][]*Purge{}}
	for i := range list {
		switch p := &list[i]; {
		case strings.Contains(p.URL, "://"):
			n.urls[p.URL] = append(n.urls[p.URL], p)
		case p.Group != "":
			n.groups[p.Group] = append(n.groups[p.Group], p)
		default:
			n.others = append(n.others, p)
		}
	}
	return n
}

// scans reports whether all Answers have to be looked at.
func (n *named) scans() bool { return len(n.groups) > 0 || len(n.others) > 0 }

// find returns the Purge; nil: there is none. Answers that are newer stay.
func (n *named) find(a *Answer) *Purge {
	if p := among(n.urls[a.URL], a); p != nil {
		return p
	}
	if len(n.groups) > 0 {
		for _, g := range a.Groups {
			if p := among(n.groups[g], a); p != nil {
				return p
			}
		}
	}
	return among(n.others, a)
}

func among(list []*Purge, a *Answer) *Purge {
	for _, p := range list {
		if Older(a.Terms.At, p.At) && p.Matches(a.App, a.URL, a.Groups) {
			return p
		}
	}
	return nil
}

// Older reports whether what came at a time is older than a purge. So is what comes from the future: the clock was set back.
func Older(came, purge time.Time) bool { return !came.After(purge) || came.After(time.Now()) }
