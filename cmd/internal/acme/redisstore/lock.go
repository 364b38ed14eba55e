package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/gomodule/redigo/redis"
)

// ErrLockLost: a lock has expired although its holder lives, and another process may have it now.
var ErrLockLost = errors.New("the lock was lost")

// lock is one that this process holds.
type lock struct {
	token string
	end   context.CancelFunc
	done  chan struct{}
}

func (s *Store) lockKey(name string) string { return s.prefix + "lock:" + name }

// Lock is certmagic.Locker's. It waits for the present holder, in this process or another one.
func (s *Store) Lock(ctx context.Context, name string) error {
	token := rand.Text()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		ok, err := s.try(ctx, name, token)
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return s.wrap("lock", name, ctx.Err())
		case <-time.After(wait):
		}
	}
}

// TryLock is certmagic.TryLocker's.
func (s *Store) TryLock(ctx context.Context, name string) (bool, error) {
	return s.try(ctx, name, rand.Text())
}

func (s *Store) try(ctx context.Context, name, token string) (bool, error) {
	_, err := redis.String(s.do(ctx, "SET", s.lockKey(name), token, "NX", "PX", s.expiry.Milliseconds()))
	if errors.Is(err, redis.ErrNil) {
		return false, nil
	}
	if err != nil {
		return false, s.wrap("lock", name, err)
	}
	keep, end := context.WithCancel(context.Background())
	l := &lock{token: token, end: end, done: make(chan struct{})}
	s.mu.Lock()
	s.locks[name] = l
	s.mu.Unlock()
	go func() {
		defer close(l.done)
		s.extend(keep, name, token)
	}()
	return true, nil
}

// extend keeps a lock from expiring, until ctx ends or the lock is lost.
func (s *Store) extend(ctx context.Context, name, token string) {
	tick := time.NewTicker(s.expiry / 3)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		sent := time.Now()
		n, err := redis.Int64(s.do(ctx, extendScript, s.lockKey(name), token, s.expiry.Milliseconds()))
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && n == 1:
			last = sent
		case err == nil || time.Since(last) > s.expiry:
			s.log.Error("certificate_storage", "name", name, "error", errors.Join(ErrLockLost, err))
			return
		default: // the server may answer again before the lock expires
			s.log.Warn("certificate_storage", "name", name, "error", s.wrap("extending the lock", name, err))
		}
	}
}

// Unlock is certmagic.Locker's.
func (s *Store) Unlock(ctx context.Context, name string) error {
	s.mu.Lock()
	l := s.locks[name]
	delete(s.locks, name)
	s.mu.Unlock()
	if l == nil {
		return fmt.Errorf("redis: unlock %s: not locked by this process", name)
	}
	l.end()
	<-l.done
	// The work has ended although ctx may be done: others wait for the lock.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	n, err := redis.Int64(s.do(ctx, unlockScript, s.lockKey(name), l.token))
	if err == nil && n == 0 {
		err = ErrLockLost
	}
	return s.wrap("unlock", name, err)
}
