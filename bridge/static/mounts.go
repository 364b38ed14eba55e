package static

import (
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Mounts are the mounts of one app, or of the whole server, across generations. The nil
// *Mounts has none.
type Mounts struct {
	// Cache forgets the files of folders that are closed; nil: there is no cache.
	Cache *Cache
	// Log gets static_link_refused; nil: no log.
	Log hclog.Logger

	mu    sync.Mutex // one Swap at a time
	table atomic.Pointer[[]*openMount]
}

// openMount is a Mount with its folders open. It does not change.
type openMount struct {
	Mount
	added []field // Fields, as net/http spells them
	roots []*Root
	old   []oldRoot // newest first
}

type oldRoot struct {
	*Root
	until time.Time
}

// maxOld bounds the old folders that stay open after several deployments in a row.
const maxOld = 4

// Swap replaces the mounts: a new generation serves. All folders are looked up again. A
// folder that is the same one stays open. Behind a folder that replaces another one, the old
// one is searched for overlap: a file that the new one does not have is served from there; 0:
// not at all. A mount that is removed ends at once: its files may be protected now.
func (ps *Mounts) Swap(mounts []Mount, overlap time.Duration) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	log := ps.Log
	if log == nil {
		log = hclog.NewNullLogger()
	}
	now := time.Now()
	var before []*openMount
	if t := ps.table.Load(); t != nil {
		before = *t
	}
	next := make([]*openMount, 0, len(mounts))
	kept := map[*Root]bool{}
	for i := range mounts {
		s := &openMount{Mount: mounts[i], added: fieldsOf(mounts[i].Fields)}
		var was *openMount
		if j := slices.IndexFunc(before, func(o *openMount) bool { return o.URL == s.URL }); j >= 0 {
			was = before[j]
		}
		same := was != nil && was.equal(&s.Mount)
		for d, dir := range s.Dirs {
			if same && was.roots[d].same() {
				s.roots = append(s.roots, was.roots[d])
			} else {
				s.roots = append(s.roots, newRoot(dir, &s.Mount, log))
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
	// The longest URL is asked first; equal ones in the order given.
	slices.SortStableFunc(next, func(a, b *openMount) int { return len(b.URL) - len(a.URL) })
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
func (s *openMount) inherit(was *openMount, now time.Time, overlap time.Duration) {
	if was == nil || overlap <= 0 {
		return
	}
	for _, r := range was.roots {
		// An old folder must not be served by wider rules than the new ones.
		if !slices.Contains(s.roots, r) && r.open.Load() != nil && r.like(&s.Mount) {
			s.old = append(s.old, oldRoot{r, now.Add(overlap)})
		}
	}
	for _, r := range was.old {
		if len(s.old) < maxOld && r.until.After(now) && r.like(&s.Mount) {
			s.old = append(s.old, r)
		}
	}
}

// Close closes all folders. Requests find nothing from then on.
func (ps *Mounts) Close() { ps.Swap(nil, 0) }

// current reports whether openMounts are still in force.
func (ps *Mounts) current(openMounts []*openMount) bool {
	now := ps.openMounts()
	return len(now) == len(openMounts) && (len(now) == 0 || &now[0] == &openMounts[0])
}

// openMounts are the mounts in force.
func (ps *Mounts) openMounts() []*openMount {
	if ps == nil {
		return nil
	}
	if t := ps.table.Load(); t != nil {
		return *t
	}
	return nil
}

// Asked lists the mounts that a path belongs to, in the order in which they are asked.
func (ps *Mounts) Asked(path string) (list []Mount) {
	for _, s := range ps.openMounts() {
		if _, ok := s.under(path); ok {
			list = append(list, s.Mount)
		}
	}
	return list
}

// Look finds the file or folder that a path names, by the mount whose URL the path begins with,
// for handlers beside this package's. dir is the mount's folder, links in its path resolved. Not
// ok: there is none, or it may not be served.
func (ps *Mounts) Look(path string) (info fs.FileInfo, dir string, ok bool) {
	now := time.Now()
	for _, s := range ps.openMounts() {
		rest, under := s.under(path)
		if !under {
			continue
		}
		name, _, ok := nameOf(rest)
		if !ok {
			return nil, "", false
		}
		for _, root := range s.roots {
			if info, err := root.look(name, now); err == nil {
				if o := root.open.Load(); o != nil {
					return info, o.real, true
				}
			}
		}
	}
	return nil, "", false
}
