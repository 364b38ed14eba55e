package integration

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Go answers for health while every worker is held.
func TestHealthWhileAllWorkersAreBusy(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: appDir(t, "lifecycle"), Args: []string{"--app", "name=shop,module=app:app,workers=2", "--queue-timeout", bootQueue}})
	g := newGate(t)
	waiting := []*async{s.background("/gate?path=" + g.path), s.background("/gate?path=" + g.path)}
	eventually(t, "both workers are held", func() bool { return strings.Count(strings.Join(s.output(), "\n"), "at the gate") == 2 })
	for _, path := range []string{"/livez", "/readyz", "/readyz/shop"} {
		s.want(200, path)
		s.want(200, path, "Host: anything.example.org")
		if r := s.do(s.request("HEAD", path, nil)); r.Status != 200 || r.Body != "" {
			t.Errorf("HEAD %s: %d %q", path, r.Status, r.Body)
		}
	}
	for i, a := range waiting {
		if !a.running() {
			t.Errorf("request %d was answered before the gate opened: the workers were not held", i)
		}
	}
	g.open(t)
	for _, a := range waiting {
		if r := a.wait(t); r.Status != 200 {
			t.Errorf("%d %q", r.Status, r.Body)
		}
	}
	// Of an app that there is not: an ordinary path, which goes to the app.
	if r := s.want(404, "/readyz/none"); r.Body != "no such path in the app" {
		t.Errorf("%q", r.Body)
	}
	s.waitAccess(`"GET /gate`)
	for _, line := range s.access() {
		if strings.Contains(line, "livez") || strings.Contains(line, "GET /readyz HTTP") {
			t.Errorf("health in the access log: %s", line)
		}
	}
}

// One runs, one waits, the others are refused at once.
func TestFullLine(t *testing.T) {
	t.Parallel()
	s := lifecycle(t, 1, opts{Args: []string{"--queue", "1"}})
	g := newGate(t)
	const n = 6
	var list []*async
	for range n {
		list = append(list, s.background("/gate?path="+g.path))
	}
	eventually(t, "all but two are answered", func() bool {
		done := 0
		for _, a := range list {
			if !a.running() {
				done++
			}
		}
		return done == n-2
	})
	for _, a := range list {
		if a.running() {
			continue
		}
		r := a.wait(t)
		if after, err := strconv.Atoi(r.Header.Get("Retry-After")); r.Status != 503 || err != nil || after < 1 {
			t.Errorf("%d, Retry-After %q", r.Status, r.Header.Get("Retry-After"))
		}
	}
	s.waitEvent("queue_full")
	// A full line does not make the server unready.
	s.want(200, "/readyz")
	g.open(t)
	ok := 0
	for _, a := range list {
		if a.wait(t).Status == 200 {
			ok++
		}
	}
	if ok != 2 {
		t.Errorf("%d of %d were served, want 2", ok, n)
	}
}

func TestQueueTimeout(t *testing.T) {
	t.Parallel()
	s := lifecycle(t, 1, opts{Args: []string{"--queue-timeout", "1s"}})
	g := newGate(t)
	waiting := s.background("/gate?path=" + g.path)
	s.printed("at the gate")
	r := s.want(503, "/pid")
	if r.Header.Get("Retry-After") == "" {
		t.Errorf("%v", r.Header)
	}
	if !waiting.running() {
		t.Error("the gate was not shut")
	}
	g.open(t)
	if r := waiting.wait(t); r.Status != 200 {
		t.Errorf("%d", r.Status)
	}
	eventually(t, "the worker is free", func() bool { return s.get("/pid").Status == 200 }) // on a busy machine not within that second
}

// A client that leaves while its request waits: the app never sees it.
func TestClientLeavesWhileWaiting(t *testing.T) {
	t.Parallel()
	s := lifecycle(t, 1, opts{})
	g := newGate(t)
	waiting := s.background("/gate?path=" + g.path)
	s.printed("at the gate")
	mark := filepath.Join(t.TempDir(), "seen")
	c, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /touch?path=%s HTTP/1.1\r\nHost: localhost\r\n\r\n", url.QueryEscape(mark))
	disconnect(c)
	s.waitAccess(`"GET /touch\S* HTTP/1\.1" 499 `)
	if !waiting.running() {
		t.Error("the worker was not held")
	}
	g.open(t)
	waiting.wait(t)
	s.want(200, "/pid") // came after it: had it still been in the queue, it would have run first
	if _, err := os.Stat(mark); err == nil {
		t.Error("the app ran a request whose client had left")
	}
	n := 0
	for _, line := range s.access() {
		if strings.Contains(line, "GET /touch") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d access log lines for it", n)
	}
}

// Waiting in the queue is not running: it does not count for --timeout.
func TestTimeoutCountsFromTheStart(t *testing.T) {
	t.Parallel()
	s := lifecycle(t, 1, opts{Args: []string{"--timeout", "11s"}}) // less than both take, and much more than each
	first := s.background("/sleep?s=6")
	s.printed("in sleep")
	second := s.background("/sleep?s=6")
	began := time.Now()
	if r := first.wait(t); r.Status != 200 {
		t.Errorf("first: %d", r.Status)
	}
	if r := second.wait(t); r.Status != 200 {
		t.Errorf("second, after %v in all: %d", time.Since(began), r.Status)
	}
}
