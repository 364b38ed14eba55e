package limitstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/limit"
	"github.com/standpipe/standpipe/cmd/internal/circuit"
	"github.com/standpipe/standpipe/cmd/internal/redisurl"
)

// The times that the server may take: a request waits for it.
const (
	dialTimeout = 500 * time.Millisecond
	timeout     = 100 * time.Millisecond // for each answer, and for a free connection
)

// The bounds of connections.
const (
	maxConnections = 64
	maxIdle        = 16
)

const prefix = "standpipe:limit:"

// ErrAway: the server does not answer, or refuses what it is asked for.
var ErrAway = errors.New("the server of the limits is away")

// Store is a limit.Store. Its methods are called from any goroutine.
type Store struct {
	server  redisurl.Server
	dialing time.Duration // dialTimeout; tests on busy machines have more patience
	answer  time.Duration // timeout, likewise
	pool    atomic.Pointer[redis.Pool]
	circuit *circuit.Circuit
}

var _ limit.Store = (*Store)(nil)

// Open returns the Store at a server, to which it connects when it is used first.
func Open(url string, log hclog.Logger) (*Store, error) {
	server, err := redisurl.Parse(url)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	s := &Store{server: server, dialing: dialTimeout, answer: timeout}
	s.circuit = circuit.New(s.probe, func(err error) {
		log.Warn("limit_store_away", "address", server.Address, "error", err)
	}, func(took time.Duration) {
		log.Info("limit_store_back", "address", server.Address, "took", took)
	})
	s.pool.Store(s.newPool())
	return s, nil
}

func (s *Store) newPool() *redis.Pool {
	return &redis.Pool{DialContext: s.dial, MaxIdle: maxIdle, MaxActive: maxConnections, Wait: true, IdleTimeout: time.Minute}
}

func (s *Store) dial(ctx context.Context) (redis.Conn, error) {
	o := []redis.DialOption{
		redis.DialConnectTimeout(s.dialing), redis.DialTLSHandshakeTimeout(s.dialing), redis.DialReadTimeout(s.answer), redis.DialWriteTimeout(s.answer),
		redis.DialDatabase(s.server.DB), redis.DialUseTLS(s.server.TLS),
	}
	if s.server.Password != "" {
		o = append(o, redis.DialUsername(s.server.User), redis.DialPassword(s.server.Password))
	}
	return redis.DialContext(ctx, s.server.Network, s.server.Address, o...)
}

// Take is limit.Store's.
func (s *Store) Take(key string, r limit.Rate) (limit.Verdict, error) { return s.ask(key, r, 1) }

// GiveBack is limit.Store's. While the server is away there is nothing to give back.
func (s *Store) GiveBack(key string, r limit.Rate) { _, _ = s.ask(key, r, -1) }

// Away is limit.Store's.
func (s *Store) Away() bool { return s.circuit.IsOpen() }

// Close disconnects.
func (s *Store) Close() {
	s.circuit.Close()
	_ = s.pool.Load().Close()
}

func (s *Store) ask(key string, r limit.Rate, n int) (limit.Verdict, error) {
	if s.circuit.IsOpen() {
		return limit.Verdict{}, ErrAway
	}
	pool := s.pool.Load()
	v, err := s.run(pool, key, r, n)
	if err != nil {
		s.circuit.Open(s.explain(err))
		return limit.Verdict{}, ErrAway
	}
	return v, nil
}

// run asks the server once. The interval is one of whole microseconds, here as there.
func (s *Store) run(pool *redis.Pool, key string, r limit.Rate, n int) (limit.Verdict, error) {
	interval := max(r.Interval().Round(time.Microsecond), time.Microsecond)
	r.Count, r.Per = 1, interval
	ctx, cancel := context.WithTimeout(context.Background(), s.dialing+s.answer) // for a free connection
	defer cancel()
	c, err := pool.GetContext(ctx)
	if err != nil {
		return limit.Verdict{}, err
	}
	defer c.Close()
	ahead, err := redis.Int64(script.Do(c, prefix+key, interval.Microseconds(), r.Burst, r.Delay, n))
	if err != nil {
		return limit.Verdict{}, err
	}
	return r.Judge(time.Duration(ahead) * time.Microsecond), nil
}

// probe asks whether the server does what it is there for, by connections of its own: those from
// before the outage are of no use any more.
func (s *Store) probe() error {
	pool := s.newPool()
	if _, err := s.run(pool, "?", limit.Rate{Count: 1, Per: time.Second}, 1); err != nil {
		_ = pool.Close()
		return s.explain(err)
	}
	_ = s.pool.Swap(pool).Close()
	return nil
}

// explain is what to do about an error, where the server says it.
func (s *Store) explain(err error) error {
	var answer redis.Error
	if errors.As(err, &answer) {
		switch word, _, _ := strings.Cut(string(answer), " "); word {
		case "MOVED":
			return fmt.Errorf("it is a node of a cluster, which is not supported: %w", err)
		case "NOPERM":
			return fmt.Errorf("the user of the URL needs the commands EVALSHA, EVAL, TIME, GET, SET and DEL, and the keys %s*: %w", prefix, err)
		}
	}
	return err
}
