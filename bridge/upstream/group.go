package upstream

import (
	"sync/atomic"
	"time"
)

// Max is how many upstreams a Group may have.
const Max = 64

// Policy says where the next request begins among n upstreams: 0 to n-1.
type Policy interface{ First(n int) int }

// RoundRobin begins with one upstream after the other.
type RoundRobin struct{ next atomic.Uint32 }

// First is of Policy.
func (p *RoundRobin) First(n int) int { return int((p.next.Add(1) - 1) % uint32(n)) }

// Group are the upstreams of one route.
type Group struct {
	list   []*Upstream
	policy Policy
}

// NewGroup makes a Group of 1 to Max upstreams.
func NewGroup(list []*Upstream, p Policy) *Group { return &Group{list, p} }

// SpeaksHTTP reports whether all upstreams do.
func (g *Group) SpeaksHTTP() bool {
	for _, u := range g.list {
		if !u.SpeaksHTTP() {
			return false
		}
	}
	return true
}

// CloseIdleConnections closes the connections that no request uses.
func (g *Group) CloseIdleConnections() {
	for _, u := range g.list {
		if c, ok := u.Transport.(interface{ CloseIdleConnections() }); ok {
			c.CloseIdleConnections()
		}
	}
}

// Walk is the way of one request through a Group.
type Walk struct {
	g     *Group
	first int
	tried uint64 // a bit for each upstream
}

// Walk begins the way of a request.
func (g *Group) Walk() Walk { return Walk{g: g, first: g.policy.First(len(g.list))} }

// Next returns the upstream to ask; nil: all were asked.
func (w *Walk) Next(now time.Time) *Upstream {
	i := w.choose(now)
	if i < 0 {
		return nil
	}
	w.tried |= 1 << i
	return w.g.list[i]
}

// More reports whether Next has another upstream.
func (w *Walk) More(now time.Time) bool { return w.choose(now) >= 0 }

// choose returns the first available upstream of those that were not asked, else the one
// that has been left out for the longest time; -1: none is left.
func (w *Walk) choose(now time.Time) int {
	best, since := -1, int64(0)
	for k := range w.g.list {
		i := (w.first + k) % len(w.g.list)
		if w.tried&(1<<i) != 0 {
			continue
		}
		u := w.g.list[i]
		if u.State(now) == Available {
			return i
		}
		if left := u.leftOut.Load(); best < 0 || left < since {
			best, since = i, left
		}
	}
	return best
}
