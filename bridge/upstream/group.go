package upstream

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Max is how many upstreams a Group may have.
const Max = 64

// Options are those of a Group.
type Options struct {
	// Route names the route in records and metrics.
	Route string
	// Members are those of the beginning; Update replaces them. Those beyond Max are left out.
	Members []*Member
	// Policy chooses among those that are available; nil: TwoChoices.
	Policy Policy
	Limits
	// Checks is when Probes run; the zero value: never.
	Checks Checks
	// SlowStart is how long an upstream that comes (back) into service gets less than its share; 0: it does not.
	SlowStart time.Duration
	// RetryBudget is how many retries there may be, in percent of the requests; 0: none.
	RetryBudget int
	// Log gets the records about health; nil: no log.
	Log hclog.Logger
}

// Group are the upstreams of one route.
type Group struct {
	Options
	budget  budget
	slots   slots
	present atomic.Pointer[[]*Member] // replaced, never changed

	ejecting sync.Mutex // one ejection at a time, so that not too many are

	watching watching
}

// NewGroup makes a Group. It works before Start, without checks.
func NewGroup(o Options) *Group {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Policy == nil {
		o.Policy = &TwoChoices{}
	}
	g := &Group{Options: o, budget: budget{percent: o.RetryBudget}}
	g.Update(o.Members)
	return g
}

// Members are those of this moment.
func (g *Group) Members() []*Member { return *g.present.Load() }

// Update replaces the members. Requests that are under way stay where they are.
func (g *Group) Update(list []*Member) {
	list = slices.Clone(list[:min(len(list), Max)])
	sum, places := 0, 0
	for _, m := range list {
		m.Weight = max(m.Weight, 1)
		m.slowStart = g.SlowStart
		sum += m.Weight
		places += m.MaxConns
	}
	for _, m := range list {
		m.share = float64(m.Weight*len(list)) / float64(sum)
	}
	g.slots.allow(places)
	g.present.Store(&list)
	g.follow(list)
}

// SpeaksHTTP reports whether all upstreams do.
func (g *Group) SpeaksHTTP() bool {
	for _, m := range g.Members() {
		if !m.SpeaksHTTP() {
			return false
		}
	}
	return true
}

// views are the members by what may be done with them.
type views struct {
	main, backup       Set // available
	mains              int // how many there are that are not backups
	reachable, allowed Set // not refusing connections; all that are not down
	full               Set // have as many requests as they may have
}

func look(list []*Member, now time.Time) (v views) {
	for i, m := range list {
		if m.Down {
			continue
		}
		v.allowed = v.allowed.With(i)
		if m.isFull() {
			v.full = v.full.With(i)
		}
		state := Available
		if !m.isAvailable(now) {
			state = m.State(now)
		}
		if state != Refusing {
			v.reachable = v.reachable.With(i)
		}
		switch {
		case !m.Backup:
			v.mains++
			if state == Available {
				v.main = v.main.With(i)
			}
		case state == Available:
			v.backup = v.backup.With(i)
		}
	}
	return v
}

// candidates are the members among which a request's next one is chosen: the available ones. If these are fewer than half
// of those that are no backups, the backups help; without backups health is ignored, because the few that are left would
// break down under the load of all (panic mode). One that refuses connections is left out even then. Where nothing else
// is left, what has not been tried is.
func candidates(list []*Member, tried Set, now time.Time) (s Set, full bool) {
	v := look(list, now)
	first := v.main
	if 2*v.main.Len() < v.mains || v.mains == 0 {
		if first |= v.backup; v.backup == 0 {
			first = v.reachable
		}
	}
	for _, s := range []Set{first, v.reachable, v.allowed} {
		if s &^= tried; s == 0 {
			continue
		}
		if free := s &^ v.full; free != 0 {
			return free, false
		}
		return v.backup &^ tried &^ v.full, true
	}
	return 0, false
}

// Walk is the way of one request through a Group.
type Walk struct {
	g     *Group
	list  []*Member
	key   string
	tried Set
}

// Walk begins the way of a request. key is for the Policy.
func (g *Group) Walk(key string) Walk {
	g.budget.requests.Add(1)
	return Walk{g: g, list: g.Members(), key: key}
}

// Next returns the member to ask; nil: all were asked, or (full) those that were not have as many requests as they may have.
// The caller calls Report when it has responded or failed, and then End when its response has ended.
func (w *Walk) Next(now time.Time) (m *Member, full bool) {
	s, full := candidates(w.list, w.tried, now)
	if s == 0 {
		return nil, full
	}
	i := w.pick(s, now)
	w.tried = w.tried.With(i)
	w.list[i].begin(now)
	return w.list[i], false
}

// pick chooses by the policy. Of several that refuse connections the one comes first that has been left out for the
// longest time: it is the likeliest to answer again.
func (w *Walk) pick(among Set, now time.Time) int {
	best := -1
	for i := range among.All() {
		if w.list[i].State(now) != Refusing {
			return w.g.Policy.Pick(w.list, among, w.key, now)
		}
		if best < 0 || w.list[i].out.Load() < w.list[best].out.Load() {
			best = i
		}
	}
	return best
}

// More reports whether Next has another one.
func (w *Walk) More(now time.Time) bool {
	s, _ := candidates(w.list, w.tried, now)
	return s != 0
}

// Await is Next for a request that found all full: it waits until one has a place, for as long as ctx.
func (w *Walk) Await(ctx context.Context) (m *Member, err error) {
	err = w.g.slots.wait(ctx, func() bool {
		m, _ = w.Next(time.Now())
		return m != nil
	})
	return m, err
}

// Retry reports whether the request may be sent to another member, and counts that. from is the one that has failed.
func (w *Walk) Retry(from *Member, why Cause, now time.Time) bool {
	if !w.g.budget.spend(now) {
		return false
	}
	from.counts.retries[why].Add(1)
	return true
}
