package integration

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// faultyApp answers with faults that a client cannot see from the head, and lets all of it be stored.
const faultyApp = `import itertools, os, threading
calls = itertools.count(1)
def app(environ, start_response):
    path, fields = environ["PATH_INFO"], [("Cache-Control", "max-age=600"), ("X-Call", str(next(calls)))]
    body = path.encode() * 8
    if path.startswith("/short"):
        fields.append(("Content-Length", "1000"))
    elif path.startswith("/head"):
        fields.append(("Content-Length", "3" if environ["REQUEST_METHOD"] == "HEAD" else str(len(body))))
    elif path.startswith("/variants"):
        fields += [("Vary", "X-Variant"), ("Content-Length", "4000")]
        body = environ["HTTP_X_VARIANT"].encode().ljust(4000)
    elif path.startswith("/many") or path.startswith("/hot"):
        fields.append(("Content-Length", "4000"))
        body = path.encode().ljust(4000)
    write = start_response("200 OK", fields)
    if path.startswith("/raises") or path.startswith("/dies"):
        write(body)
        if path.startswith("/dies"):
            os.kill(os.getpid(), 9)
        raise ValueError("in the middle")
    return [body]
`

// An answer that ends before its end is never stored, and each client sees that it is cut; a wrong length of HEAD does no harm.
func TestCacheAttack_CutAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": faultyApp}), Args: []string{"-w", "2", "--cache", "--queue-timeout", bootQueue}})
	for _, path := range []string{"/short", "/raises", "/dies"} {
		var both sync.WaitGroup
		for range 4 { // some of which wait for the fetch of another one
			both.Go(func() {
				if r, err := s.try(s.request("GET", path, nil)); err == nil && r.Status == 200 {
					t.Errorf("%s is whole: %d %q %s", path, r.Status, r.Body, r.cacheStatus())
				}
			})
		}
		both.Wait()
		if r, err := s.try(s.request("GET", path, nil)); err == nil && r.Status == 200 || r != nil && r.cachedHit() {
			t.Errorf("%s was stored: %v", path, r)
		}
		if r := s.get(path, "Cache-Control: only-if-cached"); r.Status != 504 {
			t.Errorf("%s is stored: %d %s", path, r.Status, r.cacheStatus())
		}
	}
	for _, method := range []string{"HEAD", "GET", "GET", "HEAD"} {
		r := s.do(s.request(method, "/head", nil))
		if method == "GET" && (r.Body != strings.Repeat("/head", 8) || r.Header.Get("Content-Length") != "40") {
			t.Errorf("%v %q", r.Header, r.Body)
		}
	}
	if r := s.do(s.request("HEAD", "/head", nil, "Cache-Control: no-cache")); r.Header.Get("Content-Length") != "3" {
		t.Errorf("HEAD asks the app: %v", r.Header)
	}
	if r := s.want(200, "/head"); r.cachedHit() || len(r.Body) != 40 { // RFC 9111 4.3.5: another length means another answer
		t.Errorf("after that: %v %q", r.Header, r.Body)
	}
}

// One client asks for thousands of variants of one URL, and of URLs that are asked for once: what others ask for meanwhile stays, and the memory of
// the server has a bound.
func TestCacheAttack_Floods(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": faultyApp})
	s := start(t, opts{App: "app:app", HTTP1: true, Dir: dir, Args: []string{"-w", "2", "--cache", "--cache-memory", "4MiB", "--access-log", "off"}})
	flood := func(n int, request func(int) string) {
		c, err := s.dial()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		br := bufio.NewReader(c)
		for i := range n {
			fmt.Fprintf(c, "GET %s\r\n\r\n", request(i))
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if n, err := br.Discard(4000); err != nil || resp.ContentLength != 4000 {
				t.Errorf("%d bytes of %d: %v", n, resp.ContentLength, err)
				return
			}
		}
	}
	hot := func(i int) string { return fmt.Sprintf("/hot/%d HTTP/1.1\r\nHost: shop.example", i%20) }
	flood(400, hot)
	var all sync.WaitGroup
	all.Go(func() {
		flood(3000, func(i int) string { return fmt.Sprintf("/variants HTTP/1.1\r\nHost: shop.example\r\nX-Variant: %d", i) })
	})
	all.Go(func() {
		flood(6000, func(i int) string { return fmt.Sprintf("/many/%d HTTP/1.1\r\nHost: shop.example", i) })
	})
	all.Go(func() { flood(4000, hot) })
	all.Wait()
	kept := 0
	for i := range 20 {
		if r := s.get(fmt.Sprintf("/hot/%d", i), "Host: shop.example"); r.cachedHit() {
			kept++
		}
	}
	if kept < 18 {
		t.Errorf("%d of 20 pages that are asked for often are left", kept)
	}
	if n := s.cacheNumbers(filepath.Base(dir)); n == nil || n["bytes"].(float64) > 4<<20 || n["evicted"] == 0.0 {
		t.Errorf("%v", n)
	}
	if rss := rssOf(s.Pid); rss > 120<<20 {
		t.Errorf("the server has %d MiB", rss>>20)
	}
}

// The worker that fetches what twenty clients wait for is killed: each of them gets an answer of the next worker, or an error.
func TestCacheAttack_KilledWhileFetching(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": fmt.Sprintf(`import os, time
GATE = %q
def app(environ, start_response):
    open(GATE + ".came", "w").close()
    while not os.path.exists(GATE):
        time.sleep(0.01)
    start_response("200 OK", [("Cache-Control", "max-age=600")])
    return [str(os.getpid()).encode()]
`, g.path)}), Args: []string{"-w", "1", "--cache", "--cache-wait", "60s", "--queue-timeout", bootQueue}})
	before := s.workers()
	var clients []*async
	for range 20 {
		clients = append(clients, s.background("/page"))
	}
	eventually(t, "the clients wait", func() bool { _, err := os.Stat(g.path + ".came"); return err == nil })
	for _, pid := range before {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	s.waitEvent("worker_exit")
	g.open(t)
	failures := 0
	for _, c := range clients {
		if r := c.wait(t); r.Status == 502 {
			failures++
		} else if r.Status != 200 || r.Body == fmt.Sprint(before[0]) {
			t.Errorf("%d %q %s", r.Status, r.Body, r.cacheStatus())
		}
	}
	t.Logf("%d of 20 clients got 502", failures)
	if r := s.want(200, "/page"); r.Body == fmt.Sprint(before[0]) {
		t.Errorf("%q", r.Body)
	}
}
