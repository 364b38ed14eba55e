package cache

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Stats are the numbers of one app or route.
type Stats struct {
	// App is its name.
	App string
	// Hits, Misses, Stale, Collapsed, Passed and Revalidated are how many requests had a stored
	// answer, none, a stale one, one that another request fetched, one that is not stored, and one
	// that the app has confirmed.
	Hits, Misses, Stale, Collapsed, Passed, Revalidated int64
	// Stored and Evicted are how many answers were put in memory, and left it for want of room.
	Stored, Evicted int64
	// Entries and Bytes are the answers in memory now.
	Entries, Bytes int64
}

// numbers are what Stats are made of.
type numbers struct {
	hits, misses, stale, collapsed, passed, revalidated atomic.Int64
	stored, evicted, entries, bytes                     atomic.Int64
}

// counters have the numbers by app.
type counters struct{ byApp sync.Map }

func (c *counters) of(app string) *numbers {
	if n, ok := c.byApp.Load(app); ok {
		return n.(*numbers)
	}
	n, _ := c.byApp.LoadOrStore(app, new(numbers))
	return n.(*numbers)
}

// apps are the names of all.
func (c *counters) apps() (list []string) {
	c.byApp.Range(func(app, _ any) bool {
		list = append(list, app.(string))
		return true
	})
	return list
}

// memory counts the answers of s in (sign 1) or out (-1).
func (c *counters) memory(s *Set, sign int64, evicted bool) {
	for _, a := range s.list {
		n := c.of(a.App)
		n.entries.Add(sign)
		n.bytes.Add(sign * a.cost())
		if evicted {
			n.evicted.Add(1)
		}
	}
}

// outcome is what became of a request, as the access log has it.
type outcome string

// The outcomes.
const (
	hit         outcome = "hit"
	miss        outcome = "miss"
	stale       outcome = "stale"
	revalidated outcome = "revalidated"
	collapsed   outcome = "collapsed"
	pass        outcome = "pass"
)

func (n *numbers) add(o outcome) {
	switch o {
	case hit:
		n.hits.Add(1)
	case miss:
		n.misses.Add(1)
	case stale:
		n.stale.Add(1)
	case revalidated:
		n.revalidated.Add(1)
	case collapsed:
		n.collapsed.Add(1)
	case pass:
		n.passed.Add(1)
	}
}

// Stats returns the numbers of all apps and routes, by name.
func (c *Cache) Stats() []Stats {
	var list []Stats
	c.counters.byApp.Range(func(app, v any) bool {
		n := v.(*numbers)
		list = append(list, Stats{
			App: app.(string), Hits: n.hits.Load(), Misses: n.misses.Load(), Stale: n.stale.Load(), Collapsed: n.collapsed.Load(),
			Passed: n.passed.Load(), Revalidated: n.revalidated.Load(), Stored: n.stored.Load(), Evicted: n.evicted.Load(),
			Entries: n.entries.Load(), Bytes: n.bytes.Load(),
		})
		return true
	})
	slices.SortFunc(list, func(a, b Stats) int { return strings.Compare(a.App, b.App) })
	return list
}
