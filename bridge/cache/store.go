package cache

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// tierPatience is how long a request waits for a tier.
const tierPatience = 2 * time.Second

// drop removes an answer that is not valid any more, also as another validation has freshened it meanwhile. Validations that are under
// way do not bring it back.
func (c *Cache) drop(a *Answer) {
	c.trust.changed(a.Key)
	c.flights.lose(a.Key, a)
	c.mem.change(a.Key, func(b *Answer) *Answer {
		if b.like(a) {
			return nil
		}
		return b
	})
	for _, t := range c.tiers.list {
		ctx, cancel := context.WithTimeout(context.Background(), tierPatience)
		c.tiers.failed(t, "remove", t.Remove(ctx, a.Key))
		cancel()
	}
}

// validation is a 304, or a response to HEAD, for a stored answer.
type validation struct {
	q         *rules.Request
	fresh     http.Header // its fields
	asked     http.Header // those of the request
	path      string
	sent, now time.Time
	valid     func(*Answer) bool // nothing has purged it meanwhile
	lost      func() bool        // what is stored was dropped meanwhile; nil: valid knows
	after     func()             // is called when the answer was saved, or will not be; nil: nothing is
}

// freshen replaces a stored answer by one with the fields of v, and returns it. What another validation has made of it meanwhile is
// freshened, and not what it was when the request was sent (RFC 9111 4.3.4). It is not stored, and not for other requests, if it was
// dropped meanwhile.
func (s *stage) freshen(old *Answer, v *validation) *Answer {
	for {
		base := s.c.mem.latest(old)
		a, storable := s.freshened(base, v)
		if !storable { // it says now that it is not to be stored
			s.c.drop(base)
			s.c.saved(v.after)
			return a
		}
		overtaken := false
		stored := s.c.mem.put(a, func() bool {
			overtaken = s.c.mem.latest(old) != base
			return !overtaken && v.valid(a) && (v.lost == nil || !v.lost())
		})
		if overtaken {
			continue
		}
		if stored {
			s.c.save(&saving{a: a, of: base.ID, after: v.after}, v.valid)
			return a
		}
		s.c.saved(v.after)
		if v.lost != nil && v.lost() {
			a.Terms.Storable = false
		}
		return a
	}
}

// freshened is old with the fields of v.
func (s *stage) freshened(old *Answer, v *validation) (a *Answer, storable bool) {
	h := rules.Freshen(old.Header(), v.fresh)
	if h["Date"] == nil {
		h["Date"] = []string{v.now.UTC().Format(http.TimeFormat)}
	}
	b := *old
	b.Began = v.sent
	_, _ = rand.Read(b.ID[:])
	b.Terms, b.Vary, storable = s.read(v.q, old.Status, h, v.asked, v.path, v.sent, v.now)
	b.Fields, b.head = refreshed(old.Fields, h), nil
	b.Groups = rules.Groups(h)
	return &b, storable
}

// refreshed are the fields of h in the order and the spelling of old, those that are new behind them.
func refreshed(old []httpx.Field, h http.Header) []httpx.Field {
	out := rules.WithheldOf(h)
	list := make([]httpx.Field, 0, len(old)+4)
	done := map[string]bool{}
	add := func(name string) {
		key := http.CanonicalHeaderKey(name)
		if done[key] || out.Has(key) {
			return
		}
		done[key] = true
		for _, v := range h[key] {
			list = append(list, httpx.Field{Name: name, Value: strings.Clone(v)})
		}
	}
	for _, f := range old {
		add(f.Name)
	}
	for name := range h {
		add(name)
	}
	return list
}

// loads are the keys that are being looked for in the tiers.
type loads struct {
	mu    sync.Mutex
	byKey map[Key]chan struct{}
}

// load looks in the tiers for what is stored for k, beside what the memory has. One request does so at a time for each key. own
// are those whose bodies the caller closes.
func (c *Cache) load(ctx context.Context, k Key, had *Set) (list, own []*Answer) {
	if wait := c.loads.enter(k); wait != nil {
		select {
		case <-wait:
			if now := c.mem.trusted(c.mem.get(k)); now != nil && now != had {
				return now.list, nil
			}
		case <-ctx.Done():
			return c.mem.trusted(had).Answers(), nil
		}
	} else {
		defer c.loads.leave(k)
	}
	ctx, cancel := context.WithTimeout(ctx, tierPatience)
	defer cancel()
	before := c.trust.moment(k)
	away := false
	for _, t := range c.tiers.list {
		found, err := t.Load(ctx, k)
		if err != nil {
			if ctx.Err() == nil {
				c.tiers.failed(t, "load", err)
			}
			if _, ok := t.(Notifier); ok {
				away = true
			}
		}
		found = slices.DeleteFunc(found, func(a *Answer) bool {
			return c.mem.fits(a.Body.Size()) && a.Body.takeIn() != nil // what cannot be read counts as none
		})
		if len(found) == 0 {
			continue
		}
		for _, a := range found {
			a.ready()
			if _, ok := a.Body.Memory(); !ok {
				own = append(own, a)
			}
		}
		c.mem.add(found, func() bool { return c.trust.moment(k) == before })
		return found, own
	}
	if known := c.mem.trusted(had); known != nil {
		return known.list, nil
	}
	if away { // what is in memory is the best there is
		return had.Answers(), nil
	}
	return nil, nil
}

// enter returns what is closed when another request has looked for k; nil: this one does so.
func (l *loads) enter(k Key) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.byKey[k]; wait != nil {
		return wait
	}
	if l.byKey == nil {
		l.byKey = map[Key]chan struct{}{}
	}
	l.byKey[k] = make(chan struct{})
	return nil
}

func (l *loads) leave(k Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.byKey[k])
	delete(l.byKey, k)
}
