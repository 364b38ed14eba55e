package upstream

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrFull: every upstream that a request could go to has max_conns requests, and none ended in time.
var ErrFull = errors.New("every upstream has as many requests as max_conns allows")

// slots are the requests that wait for the end of another one, in the order of their arrival.
type slots struct {
	mu    sync.Mutex
	limit int             // how many may wait
	queue []chan struct{} // of capacity 1: it is the turn of the one that reads it
}

// allow sets how many may wait.
func (s *slots) allow(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = n
}

// free tells the first one that a request has ended.
func (s *slots) free() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.poke()
}

func (s *slots) poke() {
	if len(s.queue) > 0 {
		select {
		case s.queue[0] <- struct{}{}:
		default: // it knows
		}
	}
}

// lookAgain bounds a wait: the end of a request of the Group before a reload is not told.
const lookAgain = 100 * time.Millisecond

// wait waits until take succeeds, or for as long as ctx. There may be too many that wait already: then it fails at once.
func (s *slots) wait(ctx context.Context, take func() bool) error {
	me := make(chan struct{}, 1)
	s.mu.Lock()
	if len(s.queue) >= s.limit {
		s.mu.Unlock()
		return ErrFull
	}
	s.queue = append(s.queue, me)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.queue = slices.DeleteFunc(s.queue, func(c chan struct{}) bool { return c == me })
		s.poke() // there may be more places
	}()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		if take() {
			return nil
		}
		select {
		case <-me:
		case <-tick.C:
		case <-ctx.Done():
			return ErrFull
		}
	}
}
