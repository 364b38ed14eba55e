package integration

import (
	"bufio"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
)

// sharedShop counts the requests that reach it, in a file that all workers of all servers append to.
const sharedShop = `
import os
from flask import Flask, Response
app = Flask(__name__)
HERE = os.path.dirname(__file__)

def count():
    with open(os.path.join(HERE, "asked"), "a") as f:
        f.write("x")
    return os.path.getsize(os.path.join(HERE, "asked"))

@app.get("/goods/<name>")
def goods(name):
    r = Response(f"{name} {count()}")
    r.headers["Cache-Control"] = "max-age=600"
    r.headers["Cache-Groups"] = '"goods"'
    return r

@app.post("/goods/<name>")
def change(name):
    r = Response("changed")
    r.headers["Cache-Group-Invalidation"] = '"goods"'
    return r

@app.get("/account")
def account():
    r = Response(f"account {count()}")
    r.headers["Cache-Control"] = "private"
    return r
`

// Two servers share their cache in Redis: one asks the app for both, an app's purge reaches both, and while Redis is away, stopped under load, no request
// fails.
func TestCacheInRedis(t *testing.T) {
	t.Parallel()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		skip(t, "no-redis", "redis-server is not installed")
	}
	port := fixedPort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	begin, stop := startAndStop(t, address, t.TempDir(), bin, "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--daemonize", "no")
	begin()
	dir := project(t, map[string]string{"shop.py": sharedShop})
	var servers [2]*server
	for i := range servers {
		home := project(t, map[string]string{"standpipe.toml": fmt.Sprintf(`metrics = "127.0.0.1:0"
redis = "redis://%s"
[cache]
cache_redis = true
[[app]]
name = "shop"
module = "shop:app"
dir = %q
workers = 1
cache = "on"
`, address, dir)})
		servers[i] = start(t, opts{Dir: home, Python: python(t)})
	}
	a, b := servers[0], servers[1]
	get := func(s *server, path string) *response { return s.get(path, "Host: shop.example") }
	change := func(s *server) {
		t.Helper()
		if r := s.post("/goods/tea", "text/plain", "x", "Host: shop.example"); r.Body != "changed" {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	}
	until := func(s *server, path, body string) *response {
		t.Helper()
		var r *response
		eventually(t, path+" is "+body, func() bool { r = get(s, path); return r.Body == body })
		return r
	}
	if r := get(a, "/goods/tea"); r.Body != "tea 1" || r.cachedHit() {
		t.Errorf("%q %v", r.Body, r.Header)
	}
	stored := func(s *server) { // until then the other one waits for the answer instead of loading it
		t.Helper()
		eventually(t, "the answer in Redis", func() bool { return s.scrape()[`standpipe_cache_redis_stored_total{}`] >= 1 })
	}
	stored(a)
	if r := until(b, "/goods/tea", "tea 1"); !r.cachedHit() {
		t.Errorf("the other server has asked: %v", r.Header)
	}
	if x, y := get(a, "/account"), get(b, "/account"); x.Body == y.Body || x.cachedHit() || y.cachedHit() {
		t.Errorf("%q, %q", x.Body, y.Body)
	}
	change(a)
	until(b, "/goods/tea", "tea 4")
	stored(b)
	if r := until(a, "/goods/tea", "tea 4"); !r.cachedHit() {
		t.Errorf("%v", r.Header)
	}
	if out := b.must("status"); !holds(out, "cache in redis "+address, "found ", "stored 1") {
		t.Error(out)
	}
	if m := b.scrape(); m[`standpipe_cache_redis_up{}`] != 1 || m[`standpipe_cache_redis_stored_total{}`] != 1 || m[`standpipe_cache_redis_loads_total{result="found"}`] < 1 {
		t.Error(m)
	}

	// While it is away, and when it is back with all that it had.
	end := make(chan struct{})
	done := make(chan int)
	for _, s := range servers {
		go func() {
			n := 0
			for ; ; n++ {
				select {
				case <-end:
					done <- n
					return
				default:
				}
				if r := get(s, fmt.Sprintf("/goods/%d", n%7)); r.Status != 200 || !strings.HasPrefix(r.Body, fmt.Sprint(n%7, " ")) {
					t.Errorf("%d %q", r.Status, r.Body)
				}
			}
		}()
	}
	stop()
	a.waitEvent("cache_store_away")
	b.waitEvent("cache_store_away")
	before := get(a, "/goods/tea").Body
	change(a)
	after := get(a, "/goods/tea").Body
	if after == before {
		t.Errorf("%q after a purge", after)
	}
	begin()
	a.waitEvent("cache_store_back")
	b.waitEvent("cache_store_back")
	if got := get(a, "/goods/tea").Body; got == before {
		t.Errorf("%q has come back", got)
	}
	eventually(t, "the purge has reached the other server", func() bool { return get(b, "/goods/tea").Body != before })
	close(end)
	t.Logf("%d and %d requests", <-done, <-done)
	for _, s := range servers {
		if n := len(s.events("cache_store_away")); n != 1 {
			t.Errorf("the outage is told %d times", n)
		}
		if got := s.events("cache_failed"); len(got) != 0 {
			t.Error(got)
		}
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "EVAL \"return {#redis.call('KEYS', '*'), #redis.call('KEYS', '{standpipe:cache:1}*')}\" 0\r\n")
	var all, own int
	if _, err := fmt.Fscanf(bufio.NewReader(c), "*2\r\n:%d\r\n:%d\r\n", &all, &own); err != nil || own == 0 || own != all {
		t.Errorf("%d of %d keys: %v", own, all, err)
	}
}
