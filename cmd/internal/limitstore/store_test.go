package limitstore

import (
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/limit"
)

// server runs a redis-server. start starts it again, stop kills it.
func server(t *testing.T) (url string, start, stop func()) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("SKIP[no-redis]: redis-server is not installed")
	}
	socket := t.TempDir() + "/redis.sock"
	var cmd *exec.Cmd
	stop = func() {
		if cmd != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			cmd = nil
		}
	}
	start = func() {
		cmd = exec.Command(bin, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		bridgetest.Until(t, "redis-server", func() bool {
			c, err := net.Dial("unix", socket)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
	}
	t.Cleanup(stop)
	start()
	return "unix://" + socket, start, stop
}

// open returns a Store that has patience with a busy machine.
func open(t *testing.T, url string, log *bridgetest.Log) *Store {
	t.Helper()
	s := openUsual(t, url, log)
	s.dialing, s.answer = 20*time.Second, 20*time.Second
	return s
}

func openUsual(t *testing.T, url string, log *bridgetest.Log) *Store {
	t.Helper()
	s, err := Open(url, hclog.New(&hclog.LoggerOptions{Output: log}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close) // may be called twice
	return s
}

// Two stores count together, in one round trip for each request; the verdicts are those of limits in memory; what is over takes no
// room in the server.
func TestShared(t *testing.T) {
	t.Parallel()
	url, _, _ := server(t)
	var log bridgetest.Log
	a, b := open(t, url, &log), open(t, url, &log)
	rate := limit.Rate{Count: 1, Per: time.Hour, Burst: 2, Delay: 1}
	for i, c := range []struct {
		store     *Store
		allowed   bool
		wait      time.Duration
		remaining int
	}{{a, true, 0, 2}, {b, true, 0, 1}, {a, true, 0, 0}, {b, true, time.Hour, 0}, {a, false, 0, 0}, {b, false, 0, 0}} {
		v, err := c.store.Take("api:key", rate)
		if err != nil || v.Allowed != c.allowed || v.Wait.Round(10*time.Minute) != c.wait || v.Remaining != c.remaining || v.Allowed == (v.Retry > 0) {
			t.Errorf("request %d: %+v %v", i, v, err)
		}
	}
	a.GiveBack("api:key", rate)
	if v, err := b.Take("api:key", rate); err != nil || !v.Allowed || v.Wait.Round(10*time.Minute) != time.Hour {
		t.Errorf("after one was given back: %+v %v", v, err)
	}
	if v, err := b.Take("api:other", rate); err != nil || v.Remaining != 2 {
		t.Errorf("another key: %+v %v", v, err)
	}
	c, err := redis.DialURL("redis://x", redis.DialNetDial(func(string, string) (net.Conn, error) { return net.Dial("unix", strings.TrimPrefix(url, "unix://")) }))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if left, err := redis.Int64(c.Do("PTTL", prefix+"api:key")); err != nil || left < 3*3600_000 || left > 4*3600_000 {
		t.Errorf("it expires in %d ms, %v", left, err)
	}
	a.GiveBack("api:other", rate)
	if n, err := redis.Int64(c.Do("EXISTS", prefix+"api:other")); err != nil || n != 0 {
		t.Errorf("a key without requests is there: %d %v", n, err)
	}
	if _, err := c.Do("SCRIPT", "FLUSH"); err != nil {
		t.Fatal(err)
	}
	if v, err := b.Take("api:key", rate); err != nil || v.Allowed {
		t.Errorf("after the scripts were removed: %+v %v", v, err)
	}
	if log.String() != "" {
		t.Error(log.String())
	}
}

// While the server is away nothing waits for it; it is told once, and once more when it is back.
func TestAway(t *testing.T) {
	t.Parallel()
	url, start, stop := server(t)
	var log bridgetest.Log
	s := open(t, url, &log)
	rate := limit.Rate{Count: 1, Per: time.Hour}
	if v, err := s.Take("k", rate); err != nil || !v.Allowed {
		t.Fatal(v, err)
	}
	stop()
	if _, err := s.Take("k", rate); !errors.Is(err, ErrAway) || !s.Away() {
		t.Error(err)
	}
	bridgetest.Until(t, "limit_store_away", func() bool { return strings.Contains(log.String(), "limit_store_away") })
	began := time.Now()
	for range 10_000 {
		if _, err := s.Take("k", rate); err != ErrAway {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("10,000 requests wait %v for a server that is away", took)
	}
	start()
	bridgetest.Until(t, "limit_store_back", func() bool { return strings.Contains(log.String(), "limit_store_back") })
	if v, err := s.Take("k", rate); err != nil || !v.Allowed { // it has forgotten the key
		t.Error(v, err)
	}
	if n := strings.Count(log.String(), "limit_store_"); n != 2 {
		t.Error(log.String())
	}
}

// A server that takes connections and says nothing costs the first request a moment, and no other.
func TestHangs(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var log bridgetest.Log
	s := openUsual(t, "unix://"+ln.Addr().String(), &log)
	began := time.Now()
	if _, err := s.Take("k", limit.Rate{Count: 1, Per: time.Hour}); err != ErrAway || time.Since(began) < timeout {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if _, err := s.Take("k", limit.Rate{Count: 1, Per: time.Hour}); err != ErrAway {
		t.Error(err)
	}
	s.Close()
}
