package cachestore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/cmd/internal/circuit"
	"github.com/standpipe/standpipe/cmd/internal/redisurl"
)

// peer is the server, as this process is connected to it.
type peer struct {
	server   redisurl.Server
	names    names
	self     string // names this process in purges
	patience time.Duration
	watcher  cache.Watcher
	circuit  *circuit.Circuit
	link     atomic.Pointer[link] // nil: the server is away
	waiting  queue
	waiters  waiters
	left     leftLocks
	past     past

	// Those that connect or receive, one after the other, use these.
	heard  id    // the last purge that was followed; 0: none
	before *link // the last one

	mu     sync.Mutex
	closed bool
}

// connect makes a link, brings what both sides have missed up to date, and begins to use it.
func (s *peer) connect() error {
	if s.before != nil {
		s.before.running.Wait()
	}
	l := &link{ended: make(chan struct{})}
	if err := s.prepare(l); err != nil {
		l.cut()
		return s.explain(err)
	}
	s.before = l
	l.running.Add(2 + mostLanes)
	go s.receive(l)
	go s.keepAlive(l)
	for i := range l.lanes {
		l.lanes[i].tasks = make(chan *task)
		go s.work(l, &l.lanes[i])
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.link.Store(l)
	}
	s.mu.Unlock()
	if closed {
		s.end(l)
		l.running.Wait()
		return errClosed
	}
	_, _ = s.current(context.Background()) // what has come since prepare
	s.watcher.Trust(true)
	if l.isEnded() { // Trust(false) may have been said before
		s.watcher.Trust(false)
	}
	return nil
}

var errClosed = errors.New("closed")

// prepare connects. What this process has purged meanwhile comes first: nothing is loaded before.
func (s *peer) prepare(l *link) error {
	c, raw, err := s.dial()
	l.subscriber, l.net = c, raw
	if err != nil {
		return err
	}
	id, err := redis.Int64(c.Do("CLIENT", "ID"))
	if err != nil {
		return err
	}
	if err := c.Send("SUBSCRIBE", invalidations, s.names.purges()); err != nil {
		return err
	}
	if err := c.Flush(); err != nil {
		return err
	}
	for range 2 {
		if _, err := c.Receive(); err != nil {
			return err
		}
	}
	for i := range l.lanes {
		if err := l.lanes[i].open(s, id); err != nil {
			return err
		}
	}
	c = l.lanes[0].conn
	if err := s.waiting.apply(func(list []change) (int, error) { return s.pipeline(c, list) }); err != nil {
		return err
	}
	if err := s.catchUp(c); err != nil {
		return err
	}
	if err := s.left.end(func(k cache.Key, token string) error {
		_, err := unlockScript.Do(c, s.names.key(locks, k), token)
		return err
	}); err != nil {
		return err
	}
	_, err = loadScript.Do(c, s.names.loadArgs(cache.Key{}, "")...) // whether the server does what it is there for
	return err
}

// catchUp follows the purges of other servers that were not heard.
func (s *peer) catchUp(c redis.Conn) error {
	known := ""
	if s.heard != 0 {
		known = s.heard.String()
	}
	v, err := redis.Values(sinceScript.Do(c, s.names.log(), s.names.wide(), known))
	if err != nil {
		return err
	}
	last, lost, oldest, entries, err := parseSince(v)
	if err != nil {
		return err
	}
	if lost { // what is not known any more may have named anything
		s.past.forget()
		s.watcher.Follow(cache.Purge{All: true, At: oldest.time()})
	}
	for _, e := range entries {
		if i, rest, ok := parseID(e); ok {
			if _, payload, ok := strings.Cut(strings.TrimPrefix(string(rest), " "), " "); ok {
				s.follow(i, []byte(payload), i.time().Add(clockError))
			}
		}
	}
	s.hear(last)
	return nil
}

// clockError is how much the clocks of this machine and of the server's may differ.
const clockError = 5 * time.Second

// current is the link, when there is one and the server knows all that this process has purged.
func (s *peer) current(ctx context.Context) (*link, error) {
	l := s.link.Load()
	if l == nil {
		if !s.circuit.IsOpen() {
			s.circuit.Open(errLost)
		}
		return nil, cache.ErrAway
	}
	if s.waiting.some.Load() {
		err := s.waiting.apply(func(list []change) (int, error) {
			script, args, err := list[0].script(s.names, s.self)
			if err != nil {
				return 1, nil // it was made before
			}
			if _, err = s.ask(ctx, l, 0, script, args...); err != nil {
				return 0, err
			}
			return 1, nil
		})
		if err != nil {
			if !errors.Is(err, errBusy) && ctx.Err() == nil {
				s.lost(l, err)
			}
			return nil, cache.ErrAway
		}
	}
	return l, nil
}

// postpone keeps a change for later.
func (s *peer) postpone(c change) {
	s.waiting.add(c)
	_, _ = s.current(context.Background()) // the server may be back since
}

var errLost = errors.New("the connection was lost")

// pipeline makes changes that have waited, and returns how many it has made.
func (s *peer) pipeline(c redis.Conn, list []change) (n int, err error) {
	for _, script := range []*redis.Script{purgeScript, removeScript} {
		if err := script.Load(c); err != nil {
			return 0, err
		}
	}
	for i := range list {
		script, args, err := list[i].script(s.names, s.self)
		if err == nil {
			err = script.SendHash(c, args...)
		}
		if err != nil {
			return 0, err
		}
	}
	if err := c.Flush(); err != nil {
		return 0, err
	}
	for n = range list {
		if _, err := c.Receive(); err != nil {
			return n, err
		}
	}
	return len(list), nil
}

// follow tells the Cache of a purge, if another process has made it. Answers that are newer than at stay.
func (s *peer) follow(i id, payload []byte, at time.Time) {
	if i <= s.heard {
		return
	}
	if p, by, ok := parseOrder(payload); ok && by != s.self {
		if p.At = time.Now(); at.Before(p.At) {
			p.At = at
		}
		s.watcher.Follow(p)
	}
	s.hear(i)
}

// hear remembers that all purges up to i were followed. The goroutine that connects or receives calls it.
func (s *peer) hear(i id) {
	s.heard = i
	s.past.learn(i, time.Now())
}

// explain is what to do about an error, where the server says it.
func (s *peer) explain(err error) error {
	var answer redis.Error
	if errors.As(err, &answer) {
		switch word, _, _ := strings.Cut(string(answer), " "); word {
		case "MOVED":
			return fmt.Errorf("it is a node of a cluster, which is not supported: %w", err)
		case "NOPERM":
			return fmt.Errorf("the user of the URL needs the keys %s*, the channels %s and %s, and the commands that docs/cache.md names: %w", s.names.prefix, invalidations, s.names.purges(), err)
		case "ERR":
			if strings.Contains(string(answer), "TRACKING") || strings.Contains(string(answer), "unknown subcommand") {
				return fmt.Errorf("it needs CLIENT TRACKING, of Redis 6.2 and later and of Valkey: %w", err)
			}
		}
	}
	return err
}
