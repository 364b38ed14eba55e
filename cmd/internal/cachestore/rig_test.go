package cachestore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// server is a redis-server.
type server struct {
	t           testing.TB
	bin, socket string
	args        []string
	cmd         *exec.Cmd
}

// newServer starts one. What it has is lost when it is stopped, but for args.
func newServer(t testing.TB, args ...string) *server {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("SKIP[no-redis]: redis-server is not installed")
	}
	dir := t.TempDir()
	s := &server{t: t, bin: bin, socket: dir + "/redis.sock", args: append([]string{"--port", "0", "--unixsocket", dir + "/redis.sock", "--dir", dir}, args...)}
	if len(args) == 0 {
		s.args = append(s.args, "--save", "", "--appendonly", "no")
	}
	t.Cleanup(s.kill)
	s.start()
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.bin, s.args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	bridgetest.Until(s.t, "redis-server", func() bool {
		c, err := redis.Dial("unix", s.socket)
		if err != nil {
			return false
		}
		defer c.Close()
		_, err = c.Do("PING")
		return err == nil
	})
}

func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *server) signal(sig syscall.Signal) { _ = s.cmd.Process.Signal(sig) }

// do runs a command.
func (s *server) do(command string, args ...any) any {
	s.t.Helper()
	c, err := redis.Dial("unix", s.socket, redis.DialNetDial(func(network, address string) (net.Conn, error) { return net.Dial(network, address) }))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	v, err := c.Do(command, args...)
	if err != nil {
		s.t.Fatal(command, args, err)
	}
	return v
}

// keys are those that match.
func (s *server) keys(pattern string) []string {
	s.t.Helper()
	list, err := redis.Strings(s.do("KEYS", pattern), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// machine is a Store with what it was told.
type machine struct {
	*Store
	t   testing.TB
	log bridgetest.Log

	mu        sync.Mutex
	forgotten []cache.Key
	followed  []cache.Purge
	trusted   bool
	trusts    int // how often trust was said
}

func (m *machine) Forget(k cache.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgotten = append(m.forgotten, k)
}

func (m *machine) Trust(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trusted = on
	if on {
		m.trusts++
	}
}

func (m *machine) Follow(p cache.Purge) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.followed = append(m.followed, p)
}

func (m *machine) told() (forgotten []cache.Key, followed []cache.Purge, trusted bool, trusts int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append(forgotten, m.forgotten...), append(followed, m.followed...), m.trusted, m.trusts
}

// newMachine opens a Store that has patience with a busy machine.
func (s *server) newMachine() *machine { return s.machine(10 * time.Second) }

func (s *server) machine(patience time.Duration) *machine {
	s.t.Helper()
	m := &machine{t: s.t}
	var err error
	m.Store, err = Open(Options{URL: "unix://" + s.socket, Prefix: "test:", Stale: 24 * time.Hour, Log: hclog.New(&hclog.LoggerOptions{Output: &m.log})})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { m.Close() })
	m.peer.patience = patience
	m.Watch(m)
	return m
}

// answer makes one that was asked for just now.
func answer(url, body string, groups ...string) *cache.Answer {
	now := time.Now()
	a := &cache.Answer{
		Key: sha256.Sum256([]byte(url)), App: "shop", URL: url, Status: 200, Fields: []httpx.Field{{Name: "Content-Type", Value: "text/plain"}},
		Terms: rules.Terms{At: now, Lifetime: time.Hour}, Groups: groups, Began: now, Body: cache.BytesBody([]byte(body)),
	}
	_, _ = rand.Read(a.ID[:])
	return a
}

func (m *machine) save(list ...*cache.Answer) {
	m.t.Helper()
	for _, a := range list {
		if err := m.Save(context.Background(), a); err != nil {
			m.t.Fatal(err)
		}
	}
}

// has is the bodies that are stored for the key of a, newest first or not.
func (m *machine) has(a *cache.Answer) string {
	m.t.Helper()
	list, err := m.Load(context.Background(), a.Key)
	if err != nil {
		m.t.Fatal(err)
	}
	bodies := make([]string, len(list))
	for i, a := range list {
		p, _ := a.Body.Memory()
		bodies[i] = string(p)
	}
	return strings.Join(bodies, ",")
}

func (m *machine) purge(p cache.Purge) {
	m.t.Helper()
	if _, err := m.Purge(context.Background(), p); err != nil {
		m.t.Fatal(err)
	}
}
