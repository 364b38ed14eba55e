package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/gomodule/redigo/redis"
	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/cmd/internal/redisurl"
)

// Store is a certmagic.Storage. Its methods are called from any goroutine.
type Store struct {
	pool   *redis.Pool
	server redisurl.Server
	prefix string
	expiry time.Duration // of a lock that is not extended
	log    hclog.Logger

	mu    sync.Mutex
	locks map[string]*lock
}

// timeout bounds a connection's begin, and each answer of the server.
const timeout = 5 * time.Second

// Open returns the Store at a server, to which it connects when it is used first. prefix is what all keys begin with.
func Open(url, prefix string, log hclog.Logger) (*Store, error) {
	server, err := redisurl.Parse(url)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	s := &Store{server: server, prefix: "{" + prefix + "}", expiry: 30 * time.Second, log: log, locks: map[string]*lock{}}
	s.pool = &redis.Pool{
		DialContext: s.dial, MaxIdle: 2, MaxActive: 32, Wait: true, IdleTimeout: time.Minute,
		// A connection that the server has closed, as it does when it starts again, is found before a command is lost in it.
		TestOnBorrowContext: func(ctx context.Context, c redis.Conn, _ time.Time) error {
			_, err := redis.DoContext(c, ctx, "PING")
			return err
		},
	}
	return s, nil
}

func (s *Store) dial(ctx context.Context) (redis.Conn, error) {
	o := []redis.DialOption{
		redis.DialConnectTimeout(timeout), redis.DialReadTimeout(timeout), redis.DialWriteTimeout(timeout), redis.DialTLSHandshakeTimeout(timeout),
		redis.DialDatabase(s.server.DB), redis.DialUseTLS(s.server.TLS),
	}
	if s.server.Password != "" {
		o = append(o, redis.DialUsername(s.server.User), redis.DialPassword(s.server.Password))
	}
	return redis.DialContext(ctx, s.server.Network, s.server.Address, o...)
}

// do runs a command, or a script.
func (s *Store) do(ctx context.Context, command any, args ...any) (any, error) {
	c, err := s.pool.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if script, ok := command.(*redis.Script); ok {
		return script.DoContext(ctx, c, args...)
	}
	return redis.DoContext(c, ctx, command.(string), args...)
}

// Close frees the locks that are held, and disconnects.
func (s *Store) Close() {
	s.mu.Lock()
	names := make([]string, 0, len(s.locks))
	for name := range s.locks {
		names = append(names, name)
	}
	s.mu.Unlock()
	for _, name := range names {
		if err := s.Unlock(context.Background(), name); err != nil {
			s.log.Error("certificate_storage", "name", name, "error", err)
		}
	}
	if err := s.pool.Close(); err != nil {
		s.log.Warn("certificate_storage", "error", s.wrap("disconnect", "", err))
	}
}

func (s *Store) value(key string) string { return s.prefix + "v:" + key }
func (s *Store) index() string           { return s.prefix + "index" }

// clean is the form in which keys are kept: no slash at an end.
func clean(key string) string { return strings.Trim(key, "/") }

// folder is the range of the index that has the keys below one.
func folder(key string) (first, last string) {
	if key == "" {
		return "-", "+"
	}
	return "[" + key + "/", "(" + key + "0" // '0' comes after '/'
}

// Store is certmagic.Storage's.
func (s *Store) Store(ctx context.Context, key string, value []byte) error {
	key = clean(key)
	_, err := s.do(ctx, storeScript, s.value(key), s.index(), key, value, time.Now().UnixMilli())
	return s.wrap("store", key, err)
}

// Load is certmagic.Storage's.
func (s *Store) Load(ctx context.Context, key string) ([]byte, error) {
	key = clean(key)
	b, err := redis.Bytes(s.do(ctx, "HGET", s.value(key), "v"))
	return b, s.wrap("load", key, err)
}

// Delete is certmagic.Storage's.
func (s *Store) Delete(ctx context.Context, key string) error {
	key = clean(key)
	if key == "" {
		return fmt.Errorf("redis: delete: %w", fs.ErrInvalid)
	}
	first, last := folder(key)
	_, err := s.do(ctx, deleteScript, s.value(key), s.index(), key, s.value(""), first, last)
	return s.wrap("delete", key, err)
}

// Exists is certmagic.Storage's.
func (s *Store) Exists(ctx context.Context, key string) bool {
	_, err := s.Stat(ctx, key)
	return err == nil
}

// List is certmagic.Storage's.
func (s *Store) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	path = clean(path)
	first, last := folder(path)
	keys, err := redis.Strings(s.do(ctx, "ZRANGEBYLEX", s.index(), first, last))
	if err == nil && len(keys) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, s.wrap("list", path, err)
	}
	return entries(path, keys, recursive), nil
}

// entries are the files and folders below path; of folders at any depth, if recursive.
func entries(path string, keys []string, recursive bool) []string {
	var list []string
	seen := map[string]bool{}
	add := func(key string) {
		if !seen[key] {
			seen[key] = true
			list = append(list, key)
		}
	}
	skip := 0
	if path != "" {
		skip = len(path) + 1
	}
	for _, key := range keys {
		if skip >= len(key) {
			continue
		}
		for i := skip; i < len(key); i++ {
			if key[i] == '/' {
				add(key[:i])
				if !recursive {
					break
				}
			}
		}
		if recursive || !strings.Contains(key[skip:], "/") {
			add(key)
		}
	}
	return list
}

// Stat is certmagic.Storage's.
func (s *Store) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	key = clean(key)
	found, err := redis.Int64s(s.do(ctx, statScript, s.value(key)))
	if err == nil && len(found) == 2 {
		return certmagic.KeyInfo{Key: key, Modified: time.UnixMilli(found[0]), Size: found[1], IsTerminal: true}, nil
	}
	var keys []string
	if err == nil {
		first, last := folder(key)
		keys, err = redis.Strings(s.do(ctx, "ZRANGEBYLEX", s.index(), first, last, "LIMIT", 0, 1))
	}
	if err == nil && len(keys) == 0 {
		err = fs.ErrNotExist
	}
	return certmagic.KeyInfo{Key: key}, s.wrap("stat", key, err)
}

// wrap says what has failed, and at which server. A value that is missing is fs.ErrNotExist.
func (s *Store) wrap(what, key string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, redis.ErrNil) {
		err = fs.ErrNotExist
	}
	var answer redis.Error
	if errors.As(err, &answer) && strings.HasPrefix(string(answer), "MOVED ") {
		err = fmt.Errorf("it is a node of a cluster, which is not supported: %w", err)
	}
	return fmt.Errorf("redis at %s: %s %s: %w", s.server.Address, what, key, err)
}
