package cache

import (
	"hash/maphash"
	"sync"

	"github.com/maypok86/otter/v2"
)

// memory keeps Sets, with their bytes as weights. What is read often stays, however many others are
// read once (W-TinyLFU). Its methods may be called at the same time.
type memory struct {
	sets    *otter.Cache[Key, *Set]
	largest int64 // the largest body that is kept; bytes
	count   func(s *Set, sign int64, evicted bool)
	trust   *trust

	writing sync.Mutex // a change reads the Set first
	seed    maphash.Seed
	byURL   sync.Map // of the keys that have other parts than the URL: hash of the URL -> *keys
}

// keys are Keys of one URL.
type keys struct {
	mu   sync.Mutex
	list map[Key]struct{}
}

const (
	// entryCost is what an Answer takes beside its fields and its body; bytes.
	entryCost = 768
	// largestShare is the part of the memory that one body may take, and largestBody the most; bytes.
	largestShare = 64
	largestBody  = 1 << 20
)

func newMemory(most int64, trust *trust, count func(s *Set, sign int64, evicted bool)) *memory {
	m := &memory{largest: min(most/largestShare, largestBody), count: count, trust: trust, seed: maphash.MakeSeed()}
	m.sets = otter.Must(&otter.Options[Key, *Set]{
		MaximumWeight: uint64(max(most, 1)),
		Weigher:       func(_ Key, s *Set) uint32 { return s.weight() },
		OnDeletion:    m.deleted,
		Executor:      func(f func()) { f() }, // no goroutine of its own
	})
	return m
}

// weight is about how many bytes s takes.
func (s *Set) weight() uint32 {
	n := int64(0)
	for _, a := range s.list {
		n += a.cost()
	}
	return uint32(min(n, 1<<31))
}

// cost is about how many bytes of memory a takes.
func (a *Answer) cost() int64 {
	n := int64(entryCost + len(a.URL))
	for _, f := range a.Fields {
		n += 2 * int64(len(f.Name)+len(f.Value)) // and in its head
	}
	if p, ok := a.Body.Memory(); ok {
		n += int64(len(p))
	}
	return n
}

// deleted is called after s has left. It must not call the sets.
func (m *memory) deleted(e otter.DeletionEvent[Key, *Set]) {
	m.count(e.Value, -1, e.Cause == otter.CauseOverflow)
	if e.Cause != otter.CauseReplacement {
		m.unlink(e.Key, e.Value.list[0])
	}
}

// get returns what is stored for k.
func (m *memory) get(k Key) *Set {
	s, _ := m.sets.GetIfPresent(k)
	return s
}

// fits reports whether a body of that size is kept.
func (m *memory) fits(size int64) bool { return size <= m.largest }

// put stores an answer, if its body is in memory and fits. What removes answers comes before or after valid, which says whether this
// one was removed meanwhile; it returns that.
func (m *memory) put(a *Answer, valid func() bool) bool {
	m.writing.Lock()
	defer m.writing.Unlock()
	if !valid() {
		return false
	}
	if _, ok := a.Body.Memory(); !ok || !m.fits(a.Body.Size()) {
		return true
	}
	if s := m.trusted(m.get(a.Key)); !s.hasNewer(a) { // which has overtaken it (RFC 9111 4)
		a.ready()
		m.set(a.Key, s.With(a))
	}
	return true
}

// add stores answers that a tier had, but for those that the memory has. For valid see put.
func (m *memory) add(list []*Answer, valid func() bool) {
	m.writing.Lock()
	defer m.writing.Unlock()
	if !valid() {
		return
	}
	for _, a := range list {
		if _, ok := a.Body.Memory(); !ok || !m.fits(a.Body.Size()) {
			continue
		}
		s := m.trusted(m.get(a.Key))
		if !s.has(a) {
			m.set(a.Key, s.With(a))
		}
	}
}

// latest is what validations have made of a meanwhile, as far as the memory has it; else a.
func (m *memory) latest(a *Answer) *Answer {
	for _, b := range m.get(a.Key).Answers() {
		if b.like(a) {
			return b
		}
	}
	return a
}

// trusted is s, if it can be used without asking the Tier that several servers share; else nil.
func (m *memory) trusted(s *Set) *Set {
	if s != nil && !m.trust.holds(s.stamp) {
		return nil
	}
	return s
}

// has reports whether s has an answer that is as good as a.
func (s *Set) has(a *Answer) bool {
	for _, b := range s.Answers() {
		if sameSelectors(a.Vary, b.Vary) && !b.Terms.At.Before(a.Terms.At) {
			return true
		}
	}
	return false
}

// hasNewer reports whether s has an answer that came after a.
func (s *Set) hasNewer(a *Answer) bool {
	for _, b := range s.Answers() {
		if sameSelectors(a.Vary, b.Vary) && b.Terms.At.After(a.Terms.At) {
			return true
		}
	}
	return false
}

// set replaces the Set of k. writing is held.
func (m *memory) set(k Key, s *Set) {
	if len(s.list) == 0 {
		m.sets.Invalidate(k)
		return
	}
	if s.stamp == 0 {
		s.stamp = m.trust.stamp()
	}
	m.count(s, 1, false)
	m.sets.Set(k, s)
	m.link(k, s.list[0])
}

// change replaces the answers of k by what f makes of them, nil: they go. It returns how many changed.
func (m *memory) change(k Key, f func(*Answer) *Answer) (n int) {
	m.writing.Lock()
	defer m.writing.Unlock()
	old := m.get(k)
	if old == nil {
		return 0
	}
	list := make([]*Answer, 0, len(old.list))
	for _, a := range old.list {
		b := f(a)
		if b != a {
			n++
		}
		if b != nil {
			list = append(list, b)
		}
	}
	if n > 0 {
		m.set(k, &Set{list: list, stamp: old.stamp})
	}
	return n
}

// remove removes what is stored for k.
func (m *memory) remove(k Key) { m.change(k, func(*Answer) *Answer { return nil }) }

// keysOf returns the keys of a URL of these apps.
func (m *memory) keysOf(url string, apps []string) (list []Key) {
	for _, app := range apps {
		list = append(list, urlKey(app, url))
	}
	if v, ok := m.byURL.Load(maphash.String(m.seed, url)); ok {
		ks := v.(*keys)
		ks.mu.Lock()
		for k := range ks.list {
			list = append(list, k)
		}
		ks.mu.Unlock()
	}
	return list
}

// link notes that k is a key of a's URL.
func (m *memory) link(k Key, a *Answer) {
	if k == urlKey(a.App, a.URL) {
		return
	}
	h := maphash.String(m.seed, a.URL)
	for {
		v, _ := m.byURL.LoadOrStore(h, &keys{list: map[Key]struct{}{}})
		ks := v.(*keys)
		ks.mu.Lock()
		if ks.list != nil {
			ks.list[k] = struct{}{}
			ks.mu.Unlock()
			return
		}
		ks.mu.Unlock() // it is about to vanish
		m.byURL.CompareAndDelete(h, v)
	}
}

// unlink undoes link.
func (m *memory) unlink(k Key, a *Answer) {
	if k == urlKey(a.App, a.URL) {
		return
	}
	h := maphash.String(m.seed, a.URL)
	v, ok := m.byURL.Load(h)
	if !ok {
		return
	}
	ks := v.(*keys)
	ks.mu.Lock()
	delete(ks.list, k)
	if empty := len(ks.list) == 0; empty {
		ks.list = nil
		m.byURL.CompareAndDelete(h, v)
	}
	ks.mu.Unlock()
}
