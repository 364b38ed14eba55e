package cache

import (
	"context"
	"errors"
	"sync"
	"time"
)

// saver stores answers in the tiers, behind the clients' backs. Its goroutines belong to the Cache, which stops them.
type saver struct {
	c     *Cache
	queue chan saving
	done  sync.WaitGroup

	mu     sync.RWMutex
	closed bool
}

// saving is one answer that is to be stored.
type saving struct {
	a     *Answer  // nil: after is all
	of    [16]byte // not zero: the Body is that of the Answer with this ID, which each tier has itself, or a has it in memory
	after func()   // nil: nothing is to be done
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
	s.queue = make(chan saving, mostSavings)
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

func (s *saver) save(w saving) {
	for _, t := range s.c.tiers.list {
		if w.a == nil {
			break
		}
		ctx, cancel := context.WithTimeout(context.Background(), savePatience)
		s.c.tiers.failed(t, "save", w.save(ctx, t))
		cancel()
	}
	if w.after != nil {
		w.after()
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
func (s *saver) put(w saving) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.queue == nil || s.closed {
		return false
	}
	select {
	case s.queue <- w:
		return true
	default: // the tiers are slower than the app
		return false
	}
}

// save has an answer stored in the tiers.
func (c *Cache) save(w saving) {
	if w.a == nil && w.after == nil {
		return
	}
	if !c.saver.put(w) && w.after != nil {
		w.after()
	}
}
