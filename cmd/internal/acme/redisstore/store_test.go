package redisstore

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/gomodule/redigo/redis"
	"github.com/hashicorp/go-hclog"
)

var (
	_ certmagic.Storage   = (*Store)(nil)
	_ certmagic.TryLocker = (*Store)(nil)
)

func server(t *testing.T) string {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("SKIP[no-redis]: redis-server is not installed")
	}
	socket := t.TempDir() + "/redis.sock"
	cmd := exec.Command(bin, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return "unix://" + socket
		}
		if time.Now().After(end) {
			t.Fatal("redis-server does not answer")
		}
	}
}

func open(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(url, "standpipe:test", hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestValues(t *testing.T) {
	s := open(t, server(t))
	ctx := t.Context()
	if _, err := s.Load(ctx, "a/b"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := s.List(ctx, "a", true); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, key := range []string{"a/b/c", "a/b/d", "a/e", "ab/c", "a-b/c", "z"} {
		if err := s.Store(ctx, key, []byte("\x00\xff"+key)); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := s.Load(ctx, "a/b/c"); err != nil || string(b) != "\x00\xffa/b/c" {
		t.Errorf("%q %v", b, err)
	}
	for _, c := range []struct {
		path      string
		recursive bool
		want      string
	}{
		{"a", false, "a/b a/e"}, {"a", true, "a/b a/b/c a/b/d a/e"}, {"a/b", true, "a/b/c a/b/d"}, {"a/b/", false, "a/b/c a/b/d"},
		{"", false, "a-b a ab z"}, {"ab", true, "ab/c"},
	} {
		if got, err := s.List(ctx, c.path, c.recursive); err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%q %v: %q %v", c.path, c.recursive, got, err)
		}
	}
	if i, err := s.Stat(ctx, "a/e"); err != nil || !i.IsTerminal || i.Size != 5 || time.Since(i.Modified) > time.Minute || i.Key != "a/e" {
		t.Errorf("%+v %v", i, err)
	}
	if i, err := s.Stat(ctx, "a/b"); err != nil || i.IsTerminal {
		t.Errorf("%+v %v", i, err)
	}
	if !s.Exists(ctx, "a/b") || s.Exists(ctx, "a/x") {
		t.Error("Exists")
	}
	if err := errors.Join(s.Delete(ctx, "a/b"), s.Delete(ctx, "never")); err != nil {
		t.Error(err)
	}
	if got, err := s.List(ctx, "", true); err != nil || !slices.Equal(got, []string{"a-b", "a-b/c", "a", "a/e", "ab", "ab/c", "z"}) {
		t.Errorf("%q %v", got, err)
	}
	if err := s.Delete(ctx, "/"); err == nil {
		t.Error("everything can be deleted by mistake")
	}
}

// Many clients of one lock: one has it at a time.
func TestLocks(t *testing.T) {
	url := server(t)
	var inside, entered atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		s := open(t, url)
		for range 2 {
			wg.Go(func() {
				if err := s.Lock(t.Context(), "name"); err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two have the lock")
				}
				time.Sleep(20 * time.Millisecond)
				entered.Add(1)
				inside.Add(-1)
				if err := s.Unlock(t.Context(), "name"); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if entered.Load() != 8 {
		t.Error(entered.Load())
	}
}

// Its holder has a lock for longer than it would last by itself.
func TestLockIsKept(t *testing.T) {
	url := server(t)
	s := open(t, url)
	s.expiry = 9 * time.Second
	began := time.Now()
	if err := s.Lock(t.Context(), "name"); err != nil {
		t.Fatal(err)
	}
	left := func() time.Duration {
		ms, err := redis.Int64(s.do(t.Context(), "PTTL", s.lockKey("name")))
		if err != nil || ms <= 0 {
			t.Fatalf("the lock has %d ms left: %v", ms, err)
		}
		return time.Duration(ms) * time.Millisecond
	}
	// Until its end is a later one.
	for time.Now().Add(left()).Sub(began) < s.expiry+500*time.Millisecond {
		time.Sleep(10 * time.Millisecond)
	}
	if err := s.Unlock(t.Context(), "name"); err != nil {
		t.Error(err)
	}
}

// A lock expires with its holder; a holder that has lost it is told.
func TestLockExpires(t *testing.T) {
	url := server(t)
	dead, s := open(t, url), open(t, url)
	dead.expiry = 10 * time.Minute
	if err := dead.Lock(t.Context(), "name"); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.TryLock(t.Context(), "name"); ok || err != nil {
		t.Error(ok, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Lock(ctx, "name"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	dead.locks["name"].end() // as if the process were gone
	<-dead.locks["name"].done
	if _, err := s.do(t.Context(), "PEXPIRE", s.lockKey("name"), 100); err != nil {
		t.Fatal(err)
	}
	if err := s.Lock(t.Context(), "name"); err != nil {
		t.Fatal(err)
	}
	if err := dead.Unlock(t.Context(), "name"); !errors.Is(err, ErrLockLost) {
		t.Error(err)
	}
	if err := s.Unlock(t.Context(), "name"); err != nil {
		t.Error(err)
	}
	if err := s.Unlock(t.Context(), "name"); err == nil {
		t.Error("unlocked twice")
	}
}

func FuzzEntries(f *testing.F) {
	f.Add("a", "a/b/c", "a/d", true)
	f.Add("", "/", "//", false)
	f.Fuzz(func(t *testing.T, path, one, two string, recursive bool) {
		seen := map[string]bool{}
		for _, e := range entries(clean(path), []string{one, two}, recursive) {
			if seen[e] || !strings.HasPrefix(one, e) && !strings.HasPrefix(two, e) {
				t.Errorf("%q", e)
			}
			seen[e] = true
		}
	})
}
