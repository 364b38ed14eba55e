package static

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxSmall is the largest file whose bytes are kept in memory, and whose tag is
	// made of them; bytes.
	maxSmall = 64 << 10
	// maxEntries bounds the entries: about 1.5 KiB each.
	maxEntries = 20000
)

// Cache keeps the contents and the metadata of files, for all mounts together.
type Cache struct {
	most int64 // bytes of contents; metadata does not count
	fds  budget

	mu      sync.RWMutex
	entries map[key]*entry
	ring    []*entry // of the clock algorithm
	hand    int
	size    int64 // bytes
}

type key struct {
	root *Root
	name string
}

type entry struct {
	key
	file    atomic.Pointer[file]
	checked atomic.Int64 // when the file was checked last; nanoseconds
	used    atomic.Bool  // since the hand passed
	cost    int64        // as counted in size; under mu
}

// NewCache returns a cache of at most that many bytes of contents and idle open
// descriptors; 0: none are kept.
func NewCache(most int64, idle int) *Cache {
	return &Cache{most: most, fds: budget{most: int64(idle)}, entries: map[key]*entry{}}
}

// get returns what is known of a file. Once a second one request checks the file again;
// the others of that moment get what was known before.
func (c *Cache) get(h *Handler, s *openMount, r *Root, name string, now time.Time) (*file, error) {
	k := key{r, name}
	c.mu.RLock()
	e := c.entries[k]
	c.mu.RUnlock()
	if e == nil {
		f, err := h.loadAll(s, r, name, now)
		if err != nil {
			return nil, err
		}
		return c.add(k, f, now), nil
	}
	if !e.used.Load() {
		e.used.Store(true)
	}
	f := e.file.Load()
	checked := e.checked.Load()
	if now.UnixNano()-checked < int64(recheckAfter) || !e.checked.CompareAndSwap(checked, now.UnixNano()) {
		return f, nil
	}
	if !h.changedAny(s, f, now) {
		return f, nil
	}
	f.close()
	f, err := h.loadAll(s, r, name, now)
	if err != nil {
		c.remove(e)
		return nil, err
	}
	e.file.Store(f)
	c.recount(e)
	return f, nil
}

// renew forgets a file that has changed.
func (c *Cache) renew(f *file) {
	c.mu.RLock()
	e := c.entries[key{f.root, f.name}]
	c.mu.RUnlock()
	if e != nil && e.file.Load() == f {
		c.remove(e)
	}
}

// add returns the file that is known from then on: several requests may have loaded it
// at the same time.
func (c *Cache) add(k key, f *file, now time.Time) *file {
	e := &entry{key: k}
	e.file.Store(f)
	e.checked.Store(now.UnixNano())
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.entries[k]; other != nil {
		f.close()
		return other.file.Load()
	}
	if k.root.isClosed() {
		f.close()
		return f
	}
	c.entries[k] = e
	if len(c.ring) < maxEntries {
		c.ring = append(c.ring, e)
	} else {
		c.replace(e)
	}
	c.count(e)
	return f
}

// replace removes an entry that was not used lately and puts e in. mu is held.
func (c *Cache) replace(e *entry) {
	for {
		c.hand = (c.hand + 1) % len(c.ring)
		old := c.ring[c.hand]
		if old.used.Swap(false) {
			continue
		}
		c.forget(old)
		c.ring[c.hand] = e
		return
	}
}

// recount accounts for memory that an entry took since it was added.
func (c *Cache) recount(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[e.key] == e {
		c.count(e)
	} else { // forgotten meanwhile, with the file that it had
		e.file.Load().close()
	}
}

// count corrects the sum, and frees the contents of other entries when it is too large.
// mu is held.
func (c *Cache) count(e *entry) {
	now := e.file.Load().cost()
	c.size += now - e.cost
	e.cost = now
	for steps := 0; c.size > c.most && steps < 2*len(c.ring); steps++ {
		c.hand = (c.hand + 1) % len(c.ring)
		old := c.ring[c.hand]
		if old == e && steps < len(c.ring) || old.cost == 0 || old.used.Swap(false) && steps < len(c.ring) {
			continue
		}
		old.file.Load().drop()
		c.size -= old.cost
		old.cost = 0
	}
}

// keep keeps the contents that part, which is f or a sibling of it, has now, if f is still
// known and there is room. force: others free theirs for it.
func (c *Cache) keep(f, part *file, force bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key{f.root, f.name}]
	switch {
	case e == nil || e.file.Load() != f:
		f.drop()
	case !force && c.size-e.cost+f.cost() > c.most:
		part.body.Store(nil)
	default:
		c.count(e)
	}
}

// hasRoom reports whether n more bytes can be kept without freeing others.
func (c *Cache) hasRoom(n int64) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.size+n <= c.most
}

// forget takes an entry out of the table. mu is held.
func (c *Cache) forget(e *entry) {
	delete(c.entries, e.key)
	c.size -= e.cost
	e.cost = 0
	e.file.Load().close()
}

// remove takes an entry out of the table and the ring.
func (c *Cache) remove(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[e.key] != e {
		return
	}
	c.forget(e)
	for i := range c.ring {
		if c.ring[i] == e {
			last := len(c.ring) - 1
			c.ring[i] = c.ring[last]
			c.ring[last] = nil
			c.ring = c.ring[:last]
			return
		}
	}
}

// Clear forgets everything: another configuration may compress other files.
func (c *Cache) Clear() { c.forgetIf(func(*entry) bool { return true }) }

// Sweep forgets the files of folders that are closed.
func (c *Cache) Sweep() { c.forgetIf(func(e *entry) bool { return e.root.isClosed() }) }

func (c *Cache) forgetIf(is func(*entry) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.ring[:0]
	for _, e := range c.ring {
		if is(e) {
			c.forget(e)
		} else {
			kept = append(kept, e)
		}
	}
	clear(c.ring[len(kept):])
	c.ring, c.hand = kept, 0
}
