package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// saver stores answers in the tiers, behind the clients' backs. Its goroutines belong to the Cache, which stops them.
type saver struct {
	c     *Cache
	queue chan *saving
	done  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	pending map[*saving]struct{} // those that a purge has to find
}

// saving is one answer that is to be stored.
type saving struct {
	a     *Answer     // nil: after is all
	of    [16]byte    // not zero: the Body is that of the Answer with this ID, which each tier has itself, or a has it in memory
	after func()      // nil: nothing is to be done
	void  atomic.Bool // a purge has named the answer
}

const (
	// savers is how many answers are stored at the same time.
	savers = 4
	// mostSavings is how many wait for that; further ones stay in memory alone.
	mostSavings = 256
	// savePatience is how long one may take.
	savePatience = 30 * time.Second
)

func (s *saver) start(c *Cache) {
	s.c = c
	if len(c.tiers.list) == 0 {
		return
	}
	s.queue = make(chan *saving, mostSavings)
	s.pending = map[*saving]struct{}{}
	for range savers {
		s.done.Add(1)
		go s.run()
	}
}

// stop stores what waits, and ends the goroutines.
func (s *saver) stop() {
	if s.queue == nil {
		return
	}
	s.mu.Lock()
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	s.done.Wait()
}

func (s *saver) run() {
	defer s.done.Done()
	for w := range s.queue {
		s.save(w)
	}
}

func (s *saver) save(w *saving) {
	for _, t := range s.c.tiers.list {
		if w.a == nil || w.void.Load() {
			break
		}
		ctx, cancel := context.WithTimeout(context.Background(), savePatience)
		s.c.tiers.failed(t, "save", w.save(ctx, t))
		if w.void.Load() { // the tier may have had the purge before
			s.c.tiers.failed(t, "remove", t.Remove(ctx, w.a.Key))
		}
		cancel()
	}
	s.mu.Lock()
	delete(s.pending, w)
	s.mu.Unlock()
	if w.after != nil {
		w.after()
	}
}

// purge has answers that p names stored no more.
func (s *saver) purge(p *Purge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.pending {
		if p.Matches(w.a.App, w.a.URL, w.a.Groups) {
			w.void.Store(true)
		}
	}
}

// save stores it in one tier.
func (w *saving) save(ctx context.Context, t Tier) error {
	if _, ok := w.a.Body.Memory(); ok || w.of == ([16]byte{}) {
		return t.Save(ctx, w.a)
	}
	list, err := t.Load(ctx, w.a.Key)
	for _, old := range list {
		if old.ID == w.of {
			a := *w.a
			a.Body = old.Body
			err = errors.Join(err, t.Save(ctx, &a))
		}
		old.Body.Close()
	}
	return err
}

// put queues a saving; false: it is not stored.
func (s *saver) put(w *saving) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue == nil || s.closed {
		return false
	}
	select {
	case s.queue <- w:
		if w.a != nil {
			s.pending[w] = struct{}{}
		}
		return true
	default: // the tiers are slower than the app
		return false
	}
}

// save has an answer stored in the tiers, if valid says that it was not purged before purges find it here.
func (c *Cache) save(w *saving, valid func(*Answer) bool) {
	if w.a == nil && w.after == nil {
		return
	}
	queued := c.saver.put(w)
	if w.a != nil && !valid(w.a) {
		w.void.Store(true)
	}
	if !queued && w.after != nil {
		w.after()
	}
}

// saved is for one that is not stored: after is called behind the clients' backs, as that may take time.
func (c *Cache) saved(after func()) { c.save(&saving{after: after}, nil) }
