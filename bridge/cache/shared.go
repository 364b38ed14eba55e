package cache

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Notifier is a Tier that several servers use. It says what the others change.
type Notifier interface {
	// Watch begins to tell w what other servers change, and returns at once. It is called once,
	// before the Tier is used; Close ends it.
	Watch(w Watcher)
}

// Watcher is told what other servers change. *Cache is one.
type Watcher interface {
	// Forget: what is stored for k has changed. Nothing that was loaded before stays in memory.
	Forget(k Key)
	// Trust says whether all changes are heard. While they are not, and for what is in memory from
	// before, a hit in memory counts only when Load of the Tier has confirmed it, or has failed.
	Trust(on bool)
	// Follow: another server has purged p. The memory and the other tiers follow.
	Follow(p Purge)
}

// ErrAway: a Tier cannot be asked now. It says so itself, once, so that no other record is needed.
var ErrAway = errors.New("the shared store is away")

// Locker is a Tier with which several servers agree which of them asks an app.
type Locker interface {
	// Lock says who fetches k. Without done, this server does: it calls end when the Answer was saved,
	// or will not be. Otherwise another server does, and done is closed when it has ended, or may
	// have: Load then tells whether there is an Answer. end is called then, too, when done is not
	// waited for any more. A lock ends by itself after the time most. An error: the servers cannot
	// agree, and this one fetches.
	Lock(ctx context.Context, k Key, most time.Duration) (end func(), done <-chan struct{}, err error)
}

// trust says which Sets in memory can be used without asking the Tier that several servers share:
// those with the present stamp. The zero trust is that of a Cache without such a Tier.
type trust struct {
	epoch atomic.Uint64 // odd: changes are not heard
	// changes counts the changes of keys, by their first byte, and purges the purges: a Load that was
	// under way meanwhile may have what was there before.
	changes [256]atomic.Uint32
	purges  atomic.Uint32
}

// moment is compared before a Load and when its result is put in memory: when it differs, the result may be out of date.
type moment struct {
	epoch           uint64
	changes, purges uint32
}

// stamp is for a Set that is loaded or fetched from now on.
func (t *trust) stamp() uint64 { return t.epoch.Load() }

// holds reports whether a Set with that stamp can be used.
func (t *trust) holds(stamp uint64) bool {
	now := t.epoch.Load()
	return stamp == now && now&1 == 0
}

// set is Watcher's Trust: no stamp from before holds any more.
func (t *trust) set(on bool) {
	for {
		now := t.epoch.Load()
		next := now + 1
		if on == (next&1 == 1) {
			next++
		}
		if t.epoch.CompareAndSwap(now, next) {
			return
		}
	}
}

// changed counts a change of k: by another server, or because an answer is not valid any more. What memory has for k is to be removed
// after it.
func (t *trust) changed(k Key) { t.changes[k[0]].Add(1) }

// count is how often k, or a key that is counted with it, has changed.
func (t *trust) count(k Key) uint32 { return t.changes[k[0]].Load() }

// purged counts a purge. What memory has of it is to be removed after it.
func (t *trust) purged() { t.purges.Add(1) }

// moment is the present one of k.
func (t *trust) moment(k Key) moment {
	return moment{t.epoch.Load(), t.count(k), t.purges.Load()}
}

// Trust is Watcher's.
func (c *Cache) Trust(on bool) { c.trust.set(on) }

// Follow is Watcher's.
func (c *Cache) Follow(p Purge) {
	if p.Check() != nil {
		return
	}
	if p.At.IsZero() {
		p.At = time.Now()
	}
	c.forget(p)
	c.tiers.others("purge", func(ctx context.Context, t Tier) error { _, err := t.Purge(ctx, p); return err })
}

// Forget is Watcher's.
func (c *Cache) Forget(k Key) {
	c.trust.changed(k)
	c.flights.lose(k, nil)
	c.mem.remove(k)
	c.tiers.others("remove", func(ctx context.Context, t Tier) error { return t.Remove(ctx, k) })
}

var _ Watcher = (*Cache)(nil)
