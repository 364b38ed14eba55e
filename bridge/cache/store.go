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

// drop removes an answer that is not valid any more, also as another validation has freshened it meanwhile.
func (c *Cache) drop(a *Answer) {
	c.mem.change(a.Key, func(b *Answer) *Answer {
		if b.ID == a.ID || sameSelectors(b.Vary, a.Vary) && b.Terms.ETag == a.Terms.ETag && b.Terms.LastModified == a.Terms.LastModified {
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

// freshen replaces a stored answer by one with the fields of a 304, or of a response to HEAD, and returns it. It is not
// stored if it was purged meanwhile, which valid says. after is called when it was saved, or will not be; nil: nothing is.
func (s *stage) freshen(old *Answer, q *rules.Request, fresh, asked http.Header, path string, sent, now time.Time, valid func(*Answer) bool, after func()) *Answer {
	h := rules.Freshen(old.Header(), fresh)
	if h["Date"] == nil {
		h["Date"] = []string{now.UTC().Format(http.TimeFormat)}
	}
	a := *old
	a.Began = sent
	_, _ = rand.Read(a.ID[:])
	terms, chosen, ok := s.read(q, old.Status, h, asked, path, sent, now)
	a.Terms, a.Vary = terms, chosen
	a.Fields, a.head = refreshed(old.Fields, h), nil
	a.Groups = rules.Groups(h)
	if !ok { // it says now that it is not to be stored
		s.c.drop(old)
		s.c.saved(after)
		return &a
	}
	if s.c.mem.put(&a, func() bool { return valid(&a) }) {
		s.c.save(&saving{a: &a, of: old.ID, after: after}, valid)
	} else {
		s.c.saved(after)
	}
	return &a
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
