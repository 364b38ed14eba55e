package cachestore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/cmd/internal/circuit"
	"github.com/standpipe/standpipe/cmd/internal/redisurl"
)

// Options are the settings of a Store.
type Options struct {
	// URL is the server's.
	URL string
	// Prefix is what all keys begin with.
	Prefix string
	// Stale is how long an answer is kept after its end, at least.
	Stale time.Duration
	// Log gets cache_store_away and cache_store_back.
	Log hclog.Logger
}

// Store is a cache.Tier. Its methods are called from any goroutine.
type Store struct {
	peer   *peer
	stale  time.Duration
	wides  wides
	counts counts
}

var (
	_ cache.Tier     = (*Store)(nil)
	_ cache.Notifier = (*Store)(nil)
	_ cache.Locker   = (*Store)(nil)
)

const (
	// mostValue bounds one value, and mostAnswer what is loaded for one key; bytes.
	mostValue  = 1 << 20
	mostAnswer = 4 << 20
	// mostVariants is how many Answers a key has.
	mostVariants = 32
	// format is a part of all keys: a program that writes other values uses others.
	format = "1"
)

// Open returns the Store at a server. It connects when it is watched.
func Open(o Options) (*Store, error) {
	server, err := redisurl.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	p := &peer{server: server, names: names{"{" + o.Prefix + format + "}", server.DB}, self: rand.Text(), patience: patience}
	p.circuit = circuit.New(p.connect, func(err error) {
		o.Log.Warn("cache_store_away", "address", server.Address, "error", err)
	}, func(took time.Duration) {
		o.Log.Info("cache_store_back", "address", server.Address, "took", took)
	})
	return &Store{peer: p, stale: o.Stale}, nil
}

// Watch is cache.Notifier's. It connects.
func (s *Store) Watch(w cache.Watcher) {
	s.peer.watcher = w
	w.Trust(false)
	if err := s.peer.connect(); err != nil {
		s.peer.circuit.Open(err)
	}
}

// Name is cache.Tier's.
func (s *Store) Name() string { return "redis" }

// Load is cache.Tier's.
func (s *Store) Load(ctx context.Context, k cache.Key) ([]*cache.Answer, error) {
	l, err := s.peer.current(ctx)
	if err != nil {
		return nil, err
	}
	s.counts.loads.Add(1)
	newest, list := s.wides.known()
	v, err := redis.Values(s.peer.ask(ctx, l, laneOf(k), loadScript, s.peer.names.loadArgs(k, newest)...))
	if err != nil {
		return nil, s.refused(l, k, err)
	}
	r, err := parseLoad(v)
	if err != nil {
		return nil, s.refused(l, k, err)
	}
	now := time.Now()
	s.peer.past.learn(r.last, now)
	if r.wide != nil {
		list = s.wides.learn(r.floor, r.wide)
	}
	s.counts.damaged.Add(r.damaged)
	found := make([]*cache.Answer, 0, len(r.values))
	for _, e := range r.values {
		a, began, err := e.read(k)
		if err != nil {
			s.counts.damaged.Add(1)
			_, _ = s.peer.ask(ctx, l, laneOf(k), dropScript, s.peer.names.key(answers, k), e.variant, e.meta)
			continue
		}
		if a = judge(a, began, e.soft, list); a == nil {
			_, _ = s.peer.ask(ctx, l, laneOf(k), dropScript, s.peer.names.key(answers, k), e.variant, e.meta)
			continue
		}
		if a.Terms.At.After(now) { // by the clock of another machine
			a.Terms.At = now
		}
		found = append(found, a)
	}
	if len(found) == 0 {
		return nil, nil
	}
	s.counts.found.Add(1)
	return found, nil
}

// refused handles an error that the server has answered. A key of another type is none of ours; else the server cannot be used.
func (s *Store) refused(l *link, k cache.Key, err error) error {
	var answer redis.Error
	switch {
	case errors.As(err, &answer) && strings.HasPrefix(string(answer), "WRONGTYPE"):
		s.counts.damaged.Add(1)
		s.removeKey(l, k)
		return nil
	case errors.As(err, &answer), errors.Is(err, errReply):
		s.peer.lost(l, err)
		return cache.ErrAway
	}
	return err
}

// Save is cache.Tier's. What is too large is not stored, and what was before it is removed.
func (s *Store) Save(ctx context.Context, a *cache.Answer) error {
	l, err := s.peer.current(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	began := s.peer.past.at(a.Began)
	v := variant(a)
	m, few := meta(a, began)
	value, err := encode(a, mostValue)
	if errors.Is(err, errLarge) || err == nil && (began == 0 || !few) {
		s.counts.large.Add(1)
		_, err = s.peer.ask(ctx, l, laneOf(a.Key), dropScript, s.peer.names.key(answers, a.Key), v, "")
		return err
	}
	if err != nil {
		return err
	}
	stored, err := redis.Bool(s.peer.ask(ctx, l, laneOf(a.Key), saveScript, s.peer.names.key(answers, a.Key), s.peer.names.log(), s.peer.names.wide(), s.peer.names.target(""),
		began.String(), v, m, value, keep(a, s.stale, now).Milliseconds(), mostVariants))
	if err == nil && stored {
		s.counts.saved.Add(1)
	}
	return err
}

// Remove is cache.Tier's.
func (s *Store) Remove(ctx context.Context, k cache.Key) error {
	return s.change(ctx, change{key: &k})
}

// Purge is cache.Tier's. It counts nothing: what was purged is found out when it is loaded.
func (s *Store) Purge(ctx context.Context, p cache.Purge) (int, error) {
	p.At = time.Time{}
	return 0, s.change(ctx, change{purge: p})
}

// Close is cache.Tier's.
func (s *Store) Close() error {
	s.peer.mu.Lock()
	s.peer.closed = true
	s.peer.mu.Unlock()
	if l := s.peer.link.Load(); l != nil {
		s.peer.end(l)
		l.running.Wait()
	}
	s.peer.circuit.Close()
	return nil
}

// change makes a change in the server, or when it is back.
func (s *Store) change(ctx context.Context, c change) error {
	if c.key == nil {
		if _, err := encodeOrder(&c.purge, s.peer.self); err != nil {
			return err
		}
	}
	l, err := s.peer.current(ctx)
	if err != nil {
		s.peer.postpone(c)
		return nil
	}
	script, args, err := c.script(s.peer.names, s.peer.self)
	if err != nil {
		return err
	}
	v, err := s.peer.ask(context.WithoutCancel(ctx), l, c.lane(), script, args...)
	if err != nil {
		if !errors.Is(err, errBusy) {
			s.peer.lost(l, err)
		}
		s.peer.postpone(c)
		return nil
	}
	if b, ok := v.([]byte); ok {
		if i, _, ok := parseID(b); ok {
			s.peer.past.learn(i, time.Now())
		}
	}
	return nil
}

// removeKey removes a key, whatever its type.
func (s *Store) removeKey(l *link, k cache.Key) {
	_, _ = s.peer.ask(context.Background(), l, laneOf(k), removeScript, s.peer.names.key(answers, k))
}
