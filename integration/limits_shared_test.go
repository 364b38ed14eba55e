package integration

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Two servers count together in Redis. While it is away, a limit that fails open lets all pass and one that fails closed refuses
// all, at once; both go on when it is back.
func TestLimitShared(t *testing.T) {
	t.Parallel()
	address, startRedis, stopRedis := plainRedis(t)
	startRedis()
	tables := fmt.Sprintf("redis = \"redis://%s\"\n", address) +
		"[[limit]]\nname = \"open\"\nrate = \"1/h\"\nburst = 2\nstore = \"redis\"\npath = \"/open\"\n" +
		"[[limit]]\nname = \"closed\"\nrate = \"1/h\"\nburst = 2\nstore = \"redis\"\nfail = \"closed\"\npath = \"/closed\"\n"
	a, b := limited(t, tables), limited(t, tables)
	outages := func() int { return len(a.events("limit_store_away")) + len(b.events("limit_store_away")) }
	// counted asks as a client that Redis does not know yet. On a busy machine Redis may be too slow now and then, which is an outage:
	// then the answers are not what is counted, and it asks as another one.
	clients := 0
	counted := func(ask func(client string) string, want string) {
		t.Helper()
		eventually(t, "Redis is fast enough", func() bool {
			for _, s := range []*server{a, b} {
				if s.scrape()[`standpipe_limit_store_up{limit="open"}`] != 1 {
					return false
				}
			}
			before := outages()
			clients++
			got := ask(of(fmt.Sprintf("192.0.2.%d", clients)))
			if got != want {
				time.Sleep(time.Second) // the record may come after the answer
			}
			if outages() > before {
				return false
			}
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
			return true
		})
	}
	counted(func(c string) string {
		return fmt.Sprint(a.statuses(2, "/open", c), b.statuses(2, "/open", c), a.statuses(1, "/open", c), a.statuses(1, "/open", of("198.51.100."+c[strings.LastIndexByte(c, '.')+1:])),
			b.statuses(3, "/closed", c), a.statuses(1, "/closed", c))
	}, "[404 404] [404 429] [429] [404] [404 404 404] [429]")
	before := outages()
	stopRedis()
	if got := fmt.Sprint(a.statuses(3, "/open", of("192.0.2.1")), a.statuses(3, "/closed", of("192.0.2.3"))); got != "[404 404 404] [503 503 503]" {
		t.Error(got)
	}
	eventually(t, "the outage is told", func() bool { return outages() > before })
	if r := a.waitEvent("limit_store_away"); r.str("address") != address || r.str("error") == "" {
		t.Error(r)
	}
	if r := a.waitLog(func(r record) bool { return r.event() == "limit_exceeded" && r.str("reason") == "store" }, "a record of the store"); r.str("status") != "503" {
		t.Error(r)
	}
	if up, known := a.scrape()[`standpipe_limit_store_up{limit="open"}`]; !known || up != 0 {
		t.Errorf("%v %v", up, known)
	}
	if out := a.must("status"); !strings.Contains(out, "redis is away") {
		t.Error(out)
	}
	if n := outages() - before; n != 1 { // b was not asked
		t.Errorf("the outage is told %d times", n)
	}
	clients = 0 // it forgets what it has counted
	startRedis()
	a.waitEvent("limit_store_back")
	counted(func(c string) string { return fmt.Sprint(a.statuses(4, "/closed", c)) }, "[404 404 404 429]")
}

// plainRedis runs a redis-server without TLS. start starts it, stop kills it.
func plainRedis(t testing.TB) (address string, start, stop func()) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		skip(t, "no-redis", "redis-server is not installed")
	}
	port := fixedPort(t)
	address = fmt.Sprintf("127.0.0.1:%d", port)
	start, stop = startAndStop(t, address, t.TempDir(), bin, "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no")
	return address, start, stop
}
