package cachestore

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/standpipe/standpipe/bridge/cache"
)

// Lock is cache.Locker's. The lock is a key with a token and an expiry: it ends with its time when this process dies.
func (s *Store) Lock(ctx context.Context, k cache.Key, most time.Duration) (end func(), done <-chan struct{}, err error) {
	l, err := s.peer.current(ctx)
	if err != nil {
		return nil, nil, err
	}
	done, leave := s.peer.waiters.wait(k) // before the server is asked: no change is missed
	token := rand.Text()
	says, err := redis.Ints(s.peer.ask(ctx, l, laneOf(k), lockScript, s.peer.names.key(locks, k), s.peer.names.key(answers, k), token,
		max(most, time.Millisecond).Milliseconds()))
	switch {
	case err != nil:
		leave()
		return nil, nil, err
	case len(says) != 2:
		leave()
		return nil, nil, errReply
	case says[0] == 1:
		leave()
		if says[1] == 1 { // perhaps since this process has loaded
			done = closed
		} else {
			done = nil
		}
		return func() { s.unlock(k, token) }, done, nil
	}
	return leave, done, nil
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// unlock ends a lock. If the server is away, it ends when it is back: it may have kept it.
func (s *Store) unlock(k cache.Key, token string) {
	ctx := context.Background() // others wait for it, whatever the client of this request does
	l, err := s.peer.current(ctx)
	if err == nil {
		_, err = s.peer.ask(ctx, l, laneOf(k), unlockScript, s.peer.names.key(locks, k), token)
	}
	if err != nil {
		s.peer.left.add(k, token)
	}
	s.peer.waiters.wake(k) // the server does not tell a process of its own changes
}

// leftLocks are locks that could not be ended.
type leftLocks struct {
	mu     sync.Mutex
	tokens map[cache.Key]string
}

// mostLeft bounds them; further ones expire.
const mostLeft = 1024

func (l *leftLocks) add(k cache.Key, token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tokens == nil {
		l.tokens = map[cache.Key]string{}
	}
	if len(l.tokens) < mostLeft {
		l.tokens[k] = token
	}
}

// end has do end all of them.
func (l *leftLocks) end(do func(k cache.Key, token string) error) error {
	l.mu.Lock()
	tokens := l.tokens
	l.tokens = nil
	l.mu.Unlock()
	for k, token := range tokens {
		if err := do(k, token); err != nil {
			return err // the others expire
		}
	}
	return nil
}

// waiters are those that wait for a change of a Key, or of its lock.
type waiters struct {
	mu    sync.Mutex
	byKey map[cache.Key]*waiter
}

type waiter struct {
	n    int // how many wait
	done chan struct{}
}

// wait returns a channel that is closed with the next change. leave is called when the caller waits for it no more, once.
func (w *waiters) wait(k cache.Key) (done <-chan struct{}, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byKey == nil {
		w.byKey = map[cache.Key]*waiter{}
	}
	e := w.byKey[k]
	if e == nil {
		e = &waiter{done: make(chan struct{})}
		w.byKey[k] = e
	}
	e.n++
	return e.done, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if e.n--; e.n == 0 && w.byKey[k] == e {
			delete(w.byKey, k)
		}
	}
}

// wake tells of a change of k.
func (w *waiters) wake(k cache.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.byKey[k]; e != nil {
		delete(w.byKey, k)
		close(e.done)
	}
}

// wakeAll: any Key may have changed.
func (w *waiters) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, e := range w.byKey {
		delete(w.byKey, k)
		close(e.done)
	}
}
