package disk

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
)

// mostVariants is how many Answers one Key has.
const mostVariants = 32

// spare is by how much the files may be above their bounds, for a moment: one part of so many.
const spare = 16

// catalog is what a Tier knows of its files. Its methods may be called at the same time.
type catalog struct {
	units int64 // the bound of the files
	files int   // and that of their number
	stale time.Duration
	seed  maphash.Seed

	mu     sync.Mutex
	index  *index
	proofs map[name]*proof // of bodies that were verified in part
	purges purges

	complete atomic.Bool  // all files are known
	pending  atomic.Int64 // units of files that are under way
	unknown  atomic.Int64 // units that were stored while not all files were known
}

func newCatalog(o *Options) *catalog {
	c := &catalog{units: max(o.Size/unit, 1), files: o.Files, stale: o.Stale, seed: maphash.MakeSeed()}
	c.reset()
	return c
}

// reset forgets all files.
func (c *catalog) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.complete.Store(false)
	c.unknown.Store(0)
	c.index, c.proofs = newIndex(c.seed), map[name]*proof{}
}

// size is how many files there are, and their bytes.
func (c *catalog) size() (files, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(c.index.count), c.index.units * unit
}

// variants are the names of a key's files.
func (c *catalog) variants(key [16]byte) []name {
	var buf [4]uint32
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := c.index.variants(buf[:0], key)
	if len(ids) == 0 {
		return nil
	}
	list := make([]name, len(ids))
	for i, id := range ids {
		list[i] = c.index.of(id).name
	}
	return list
}

// forget removes an entry. The caller holds the lock of its sub-folder.
func (c *catalog) forget(n name, cond func(*entry) bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.index.find(n)
	if id == 0 || cond != nil && !cond(c.index.of(id)) {
		return false
	}
	c.index.remove(id)
	delete(c.proofs, n)
	return true
}

// fill says what the file of an entry has, if it was not read before. whole: all blocks were verified.
func (c *catalog) fill(n name, e entry, used bool) (whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.index.find(n)
	if id == 0 {
		return false
	}
	p := c.index.of(id)
	if p.flags&flagRead == 0 {
		c.index.fill(id, e)
	}
	if used {
		p.flags |= flagUsed
	}
	return p.flags&flagWhole != 0
}

// mostProofs bounds the bodies that were verified in part.
const mostProofs = 256

// proof is the one that all readers of a file share.
func (c *catalog) proof(n name, id [16]byte, sums []uint32) *proof {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.proofs[n]
	if p != nil && p.id == id {
		return p
	}
	if len(c.proofs) >= mostProofs {
		for other := range c.proofs {
			delete(c.proofs, other)
			break
		}
	}
	p = newProof(id, sums)
	c.proofs[n] = p
	return p
}

// proven says that all blocks of a file were verified.
func (c *catalog) proven(n name, id [16]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.proofs[n]
	if p == nil || p.id != id {
		return
	}
	delete(c.proofs, n)
	if i := c.index.find(n); i != 0 {
		c.index.of(i).flags |= flagWhole
	}
}

// put adds an entry, or replaces the one with its name. oldest is the oldest one of its key, if there
// are too many now; full: files are to be removed.
func (c *catalog) put(e entry) (oldest *name, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.proofs, e.name)
	if id := c.index.find(e.name); id != 0 {
		e.flags |= c.index.of(id).flags & flagUsed
		c.index.remove(id)
	}
	c.index.add(e)
	full = c.index.over(c.units, c.files)
	ids := c.index.variants(nil, e.name.key)
	if len(ids) <= mostVariants {
		return nil, full
	}
	first := ids[0]
	for _, id := range ids {
		if c.index.of(id).at < c.index.of(first).at {
			first = id
		}
	}
	n := c.index.of(first).name
	return &n, full
}

// reserve counts a file of so many units as pending. ok: there is room for it; full: files are to be
// removed.
func (c *catalog) reserve(units int64) (ok, full bool) {
	c.mu.Lock()
	used, count := c.index.units, c.index.count
	full = c.index.over(c.units, c.files)
	c.mu.Unlock()
	used += c.pending.Add(units)
	ok = c.fitsOnce(units) && used <= c.units+c.units/spare && count < c.files+max(c.files/spare, 1)
	if ok && !c.complete.Load() { // what is on the disk is not known yet
		ok = c.unknown.Add(units) <= c.units/spare
	}
	if !ok {
		c.pending.Add(-units)
	}
	return ok, full || used > c.units
}

// fitsOnce reports whether a file of so many units could be stored if others were removed.
func (c *catalog) fitsOnce(units int64) bool { return units <= c.units/2 }

// addNames adds files whose heads were not read. excess are those above the bound.
func (c *catalog) addNames(list []name) (excess []name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range list {
		switch {
		case c.index.find(n) != 0: // it was stored meanwhile
		case c.index.count < c.files:
			c.index.add(entry{name: n})
		default:
			excess = append(excess, n)
		}
	}
	return excess
}

// unread returns the names of those entries of a chunk that were not read; nil: there is no such chunk.
func (c *catalog) unread(chunk int) []name {
	c.mu.Lock()
	defer c.mu.Unlock()
	if chunk >= len(c.index.chunks) {
		return nil
	}
	list := make([]name, 0, chunkLen)
	for i := range c.index.chunks[chunk] {
		if e := &c.index.chunks[chunk][i]; e.flags&(flagFree|flagRead) == 0 {
			list = append(list, e.name)
		}
	}
	return list
}

// renew says that a file has another head.
func (c *catalog) renew(e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id := c.index.find(e.name); id != 0 {
		e.flags |= c.index.of(id).flags & flagWhole
		c.index.fill(id, e)
	}
}

// victim returns the entry that is to be removed next; not ok: none is. Some are while files are above
// their bounds, or, low, a little below them, or if more are wanted in any case.
func (c *catalog) victim(low, more bool) (e entry, ok bool) {
	units, files := c.units, c.files
	if low {
		units, files = units-units/(4*spare), files-files/(4*spare)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !more && !c.index.over(units, files) {
		return e, false
	}
	id := c.index.victim(time.Now())
	if id == 0 {
		return e, false
	}
	return *c.index.of(id), true
}

// remember keeps a purge for Answers that come to be known later.
func (c *catalog) remember(p cache.Purge) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.purges.add(p, !c.complete.Load())
}

// fate is what the purges of late make of an Answer; nil: nothing.
func (c *catalog) fate(a *cache.Answer) *cache.Purge {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.purges.fate(a)
}

// fits is query.fits of a file; none: it may not be meant.
func (c *catalog) fits(q *query, n name) (may, certain bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.index.find(n)
	if id == 0 {
		return false, false
	}
	return q.fits(c.index.of(id))
}

// candidates are the names of the files that q may mean.
func (c *catalog) candidates(q *query) (list []name) {
	if q.URL == "" || q.URL[0] == '/' {
		c.scan(func(e *entry) {
			if may, _ := q.fits(e); may {
				list = append(list, e.name)
			}
		})
		return list
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	hash := hash(c.seed, q.URL)
	for id := *c.index.urlBucket(hash); id != 0; id = c.index.of(id).nextURL {
		e := c.index.of(id)
		if may, _ := q.fits(e); may && e.url == hash {
			list = append(list, e.name)
		}
	}
	return list
}

// scan calls each with all entries. The lock is given away now and then.
func (c *catalog) scan(each func(*entry)) {
	for i := 0; ; i++ {
		c.mu.Lock()
		if i >= len(c.index.chunks) {
			c.mu.Unlock()
			return
		}
		chunk := c.index.chunks[i]
		for j := range chunk {
			if chunk[j].flags&flagFree == 0 {
				each(&chunk[j])
			}
		}
		c.mu.Unlock()
	}
}
