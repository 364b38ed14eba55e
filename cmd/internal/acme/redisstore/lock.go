package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
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
			return fmt.Errorf("redis: lock %s: %w", name, ctx.Err())
		case <-time.After(wait):
		}
	}
}

// TryLock is certmagic.TryLocker's.
func (s *Store) TryLock(ctx context.Context, name string) (bool, error) {
	return s.try(ctx, name, rand.Text())
}

func (s *Store) try(ctx context.Context, name, token string) (bool, error) {
	client, err := s.connect()
	if err != nil {
		return false, wrap("lock", name, err)
	}
	set := client.B().Set().Key(s.lockKey(name)).Value(token).Nx().PxMilliseconds(s.expiry.Milliseconds()).Build()
	err = client.Do(ctx, set).Error()
	if rueidis.IsRedisNil(err) {
		return false, nil
	}
	if err != nil {
		return false, wrap("lock", name, err)
	}
	keep, end := context.WithCancel(context.Background())
	l := &lock{token: token, end: end, done: make(chan struct{})}
	s.mu.Lock()
	s.locks[name] = l
	s.mu.Unlock()
	go func() {
		defer close(l.done)
		s.extend(keep, client, name, token)
	}()
	return true, nil
}

// extend keeps a lock from expiring, until ctx ends or the lock is lost.
func (s *Store) extend(ctx context.Context, client rueidis.Client, name, token string) {
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
		n, err := extendScript.Exec(ctx, client, []string{s.lockKey(name)}, []string{token, strconv.FormatInt(s.expiry.Milliseconds(), 10)}).AsInt64()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && n == 1:
			last = sent
		case err == nil || time.Since(last) > s.expiry:
			s.log.Error("certificate_storage", "name", name, "error", errors.Join(ErrLockLost, err))
			return
		default: // the server may answer again before the lock expires
			s.log.Warn("certificate_storage", "name", name, "error", wrap("extending the lock", name, err))
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
	client, err := s.connect()
	if err != nil {
		return wrap("unlock", name, err)
	}
	n, err := unlockScript.Exec(ctx, client, []string{s.lockKey(name)}, []string{l.token}).AsInt64()
	if err == nil && n == 0 {
		err = ErrLockLost
	}
	return wrap("unlock", name, err)
}
