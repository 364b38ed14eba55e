package redisstore

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/hashicorp/go-hclog"
	"github.com/redis/rueidis"
)

// Store is a certmagic.Storage. Its methods are called from any goroutine.
type Store struct {
	option rueidis.ClientOption
	prefix string
	expiry time.Duration // of a lock that is not extended
	log    hclog.Logger

	mu     sync.Mutex
	client rueidis.Client // nil: not connected yet
	locks  map[string]*lock
}

// Open returns the Store at a server, to which it connects when it is used first: redis://[user:password@]host:port/db, rediss:// for TLS, unix://path. prefix is what all keys begin with.
func Open(url, prefix string, log hclog.Logger) (*Store, error) {
	o, err := rueidis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	o.DisableCache = true // values are read seldom, and private keys are not to lie in a cache
	o.ClientName = "standpipe"
	return &Store{option: o, prefix: "{" + prefix + "}", expiry: 30 * time.Second, log: log, locks: map[string]*lock{}}, nil
}

// connect returns the connection. When there is none yet and none can be made, the next use tries again.
func (s *Store) connect() (rueidis.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	client, err := rueidis.NewClient(s.option)
	if err != nil {
		return nil, err
	}
	s.client = client
	return client, nil
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Close()
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
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	client, err := s.connect()
	if err != nil {
		return wrap("store", key, err)
	}
	err = storeScript.Exec(ctx, client, []string{s.value(key), s.index()}, []string{key, rueidis.BinaryString(value), now}).Error()
	return wrap("store", key, err)
}

// Load is certmagic.Storage's.
func (s *Store) Load(ctx context.Context, key string) ([]byte, error) {
	key = clean(key)
	client, err := s.connect()
	if err != nil {
		return nil, wrap("load", key, err)
	}
	b, err := client.Do(ctx, client.B().Hget().Key(s.value(key)).Field("v").Build()).AsBytes()
	return b, wrap("load", key, err)
}

// Delete is certmagic.Storage's.
func (s *Store) Delete(ctx context.Context, key string) error {
	key = clean(key)
	if key == "" {
		return fmt.Errorf("redis: delete: %w", fs.ErrInvalid)
	}
	first, last := folder(key)
	client, err := s.connect()
	if err != nil {
		return wrap("delete", key, err)
	}
	return wrap("delete", key, deleteScript.Exec(ctx, client, []string{s.value(key), s.index()}, []string{key, s.value(""), first, last}).Error())
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
	client, err := s.connect()
	if err != nil {
		return nil, wrap("list", path, err)
	}
	keys, err := client.Do(ctx, client.B().Zrangebylex().Key(s.index()).Min(first).Max(last).Build()).AsStrSlice()
	if err != nil {
		return nil, wrap("list", path, err)
	}
	if len(keys) == 0 {
		return nil, wrap("list", path, fs.ErrNotExist)
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
	client, err := s.connect()
	if err != nil {
		return certmagic.KeyInfo{}, wrap("stat", key, err)
	}
	answers := client.DoMulti(ctx,
		client.B().Hget().Key(s.value(key)).Field("m").Build(),
		client.B().Hstrlen().Key(s.value(key)).Field("v").Build())
	written, err := answers[0].AsInt64()
	if err == nil {
		var size int64
		size, err = answers[1].AsInt64()
		return certmagic.KeyInfo{Key: key, Modified: time.UnixMilli(written), Size: size, IsTerminal: true}, wrap("stat", key, err)
	}
	if !rueidis.IsRedisNil(err) {
		return certmagic.KeyInfo{}, wrap("stat", key, err)
	}
	first, last := folder(key)
	keys, err := client.Do(ctx, client.B().Zrangebylex().Key(s.index()).Min(first).Max(last).Limit(0, 1).Build()).AsStrSlice()
	if err == nil && len(keys) == 0 {
		err = fs.ErrNotExist
	}
	return certmagic.KeyInfo{Key: key}, wrap("stat", key, err)
}

// wrap says what has failed. A value that is missing is fs.ErrNotExist.
func wrap(what, key string, err error) error {
	if err == nil {
		return nil
	}
	if rueidis.IsRedisNil(err) {
		err = fs.ErrNotExist
	}
	return fmt.Errorf("redis: %s %s: %w", what, key, err)
}
