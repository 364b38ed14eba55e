package static

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Places are the places of one app, or of the whole server, over its generations.
// The nil *Places has none.
type Places struct {
	// Cache forgets what lies in folders that are closed; nil: nobody knows it.
	Cache *Cache
	// Log gets static_link_refused; nil: nobody.
	Log hclog.Logger

	mu    sync.Mutex // one Swap at a time
	table atomic.Pointer[[]*seat]
}

// seat is a Place with its folders open. It does not change.
type seat struct {
	Place
	added []field // Fields, as net/http spells them
	roots []*Root
	old   []oldRoot // newest first
}

type oldRoot struct {
	*Root
	until time.Time
}

// mostOld bounds the folders that many deployments in a row leave open.
const mostOld = 4

// Swap puts places in force: a new generation serves. All folders are looked up anew.
// A folder that is the same one is kept; one that has taken another's place has that
// behind it for overlap: a name that it does not have is looked for there; 0: not at
// all. A place that is not there any more is gone at once: what it served may be
// guarded now.
func (ps *Places) Swap(places []Place, overlap time.Duration) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	log := ps.Log
	if log == nil {
		log = hclog.NewNullLogger()
	}
	now := time.Now()
	var before []*seat
	if t := ps.table.Load(); t != nil {
		before = *t
	}
	next := make([]*seat, 0, len(places))
	kept := map[*Root]bool{}
	for i := range places {
		s := &seat{Place: places[i], added: fieldsOf(places[i].Fields)}
		var was *seat
		if j := slices.IndexFunc(before, func(o *seat) bool { return o.URL == s.URL }); j >= 0 {
			was = before[j]
		}
		same := was != nil && was.equal(&s.Place)
		for d, dir := range s.Dirs {
			if same && was.roots[d].same() {
				s.roots = append(s.roots, was.roots[d])
			} else {
				s.roots = append(s.roots, newRoot(dir, &s.Place, log))
			}
		}
		s.inherit(was, now, overlap)
		for _, r := range s.roots {
			kept[r] = true
		}
		for _, r := range s.old {
			kept[r.Root] = true
		}
		next = append(next, s)
	}
	// The longest URL is asked first; among equals the order given.
	slices.SortStableFunc(next, func(a, b *seat) int { return len(b.URL) - len(a.URL) })
	ps.table.Store(&next)
	for _, s := range before {
		for _, r := range s.roots {
			if !kept[r] {
				r.close()
			}
		}
		for _, r := range s.old {
			if !kept[r.Root] {
				r.close()
			}
		}
	}
	if ps.Cache != nil {
		ps.Cache.Sweep()
	}
}

// inherit puts the folders of was behind those of s.
func (s *seat) inherit(was *seat, now time.Time, overlap time.Duration) {
	if was == nil || overlap <= 0 {
		return
	}
	for _, r := range was.roots {
		// A folder whose rules have become narrower must not go on with the wide ones.
		if !slices.Contains(s.roots, r) && r.open.Load() != nil && r.like(&s.Place) {
			s.old = append(s.old, oldRoot{r, now.Add(overlap)})
		}
	}
	for _, r := range was.old {
		if len(s.old) < mostOld && r.until.After(now) && r.like(&s.Place) {
			s.old = append(s.old, r)
		}
	}
}

// Close closes all folders. Requests find nothing from then on.
func (ps *Places) Close() { ps.Swap(nil, 0) }

// current reports whether seats are in force still.
func (ps *Places) current(seats []*seat) bool {
	now := ps.seats()
	return len(now) == len(seats) && (len(now) == 0 || &now[0] == &seats[0])
}

// seats are the places in force.
func (ps *Places) seats() []*seat {
	if ps == nil {
		return nil
	}
	if t := ps.table.Load(); t != nil {
		return *t
	}
	return nil
}
