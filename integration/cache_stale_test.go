package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// staleApp answers as the file "mode" beside it says. Its answers have ended when they come.
const staleApp = `import os, time
HERE = os.path.dirname(os.path.abspath(__file__))
def mode():
    with open(os.path.join(HERE, "mode")) as f:
        return f.read()
if mode() == "broken":
    raise RuntimeError("a broken deploy")
def app(environ, start_response):
    now = mode()
    if now == "raises":
        raise ValueError("broken")
    if now == "exits":
        os._exit(3)
    if now == "hangs":
        time.sleep(600)
    if now == "says 503":
        start_response("503 Service Unavailable", [("Cache-Control", "no-store")])
        return [b"down"]
    if now == "private" and "HTTP_X_FAIL" not in environ:
        start_response("200 OK", [("Cache-Control", "private")])
        return [b"private"]
    start_response("200 OK", [("Cache-Control", "max-age=1"), ("Age", "1")])
    return [b"kept"]
`

// While the app raises, exits, hangs, has a full queue, or does not start at all, every GET and HEAD of a stored page is answered with it, and
// the access log names the error each time.
func TestCacheAttack_StaleWhileDown(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": staleApp, "mode": "well", "standpipe.toml": `[[app]]
name = "own"
module = "app:app"
workers = 1
queue = 1
timeout = "5s"
cache = "on"
serve_stale = "1h"
`})
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"-c", "standpipe.toml", "-b", "127.0.0.1:0", "--log-format", "json", "--access-log-format", "json"}})
	mode := func(text string) { write(t, dir, map[string]string{"mode": text}) }
	kept := func(method, path string) {
		t.Helper()
		r := s.do(s.request(method, path, nil))
		if r.Status != 200 || method == "GET" && r.Body != "kept" || strings.Contains(r.cacheStatus(), "stored") {
			t.Errorf("%s %s: %d %.40q %s", method, path, r.Status, r.Body, r.cacheStatus())
		}
	}
	s.want(200, "/page")
	for _, how := range []string{"raises", "says 503", "exits", "hangs"} {
		mode(how)
		for range 3 {
			kept("GET", "/page")
			kept("HEAD", "/page")
		}
		time.Sleep(failTime)
		var many sync.WaitGroup
		for range 10 {
			many.Go(func() { kept("GET", "/page") })
		}
		many.Wait()
	}

	mode("hangs")
	var others []*async
	eventually(t, "the queue is full", func() bool {
		if !slices.ContainsFunc(others, (*async).running) { // a worker, the queue, and one too many; again if the first has ended before the last came
			others = append(others, s.background("/one"), s.background("/two"), s.background("/three"))
		}
		return len(s.events("queue_full")) > 0
	})
	kept("GET", "/page")
	for _, o := range others {
		o.wait(t)
	}

	mode("broken")
	for _, pid := range s.workers() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	s.waitEvent("app_failed")
	for end := time.Now().Add(2 * failTime); time.Now().Before(end); time.Sleep(failTime / 8) {
		kept("GET", "/page")
	}
	if err := os.Remove(filepath.Join(dir, "mode")); err != nil {
		t.Fatal(err)
	}
	kept("HEAD", "/page")

	n := 0
	for _, line := range s.access() {
		if a := parseRecord(line); a.str("target") == "/page" && a.str("cache") == "stale" {
			if n++; a.str("error") == "" {
				t.Errorf("no error: %s", line)
			}
		}
	}
	if n < 50 {
		t.Errorf("%d stale answers in the access log", n)
	}
}

// failTime is longer than the time for which the cache does not ask an app again that has just failed.
const failTime = 1200 * time.Millisecond
