package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Workers that have served their requests are replaced by ready ones: a burst finds all of them all the time.
func TestMaxRequests(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Env: []string{"IMPORT_SECONDS=1"},
		Args: []string{"-w", "8", "--max-requests", "100", "--log-level", "debug", "--queue-timeout", bootQueue}})
	eventually(t, "all eight are ready", func() bool { return len(s.events("worker_ready")) >= 8 })
	failed := s.burst(16, 10000)
	if len(failed) > 0 {
		t.Errorf("%d requests failed: %v", len(failed), failed[:min(len(failed), 5)])
	}
	eventually(t, "some were recycled", func() bool {
		n := 0
		for _, r := range s.events("worker_exit") {
			if r.str("reason") != "max_requests" || r.str("cause") != "exit:0" || r.str("in_flight") != "" {
				t.Errorf("%v", r)
			}
			n++
		}
		return n >= 3
	})
	// Never fewer than eight: each one that went had been replaced before.
	ready, gone := 0, 0
	for _, r := range s.log() {
		switch r.event() {
		case "worker_ready":
			ready++
		case "worker_exit":
			gone++
			if ready-gone < 8 {
				t.Fatalf("%d workers were left when one ended", ready-gone)
			}
		}
	}
}

// burst sends n requests from so many keep-alive clients and returns what failed.
func (s *server) burst(clients, n int) []error {
	s.t.Helper()
	var mu sync.Mutex
	var failed []error
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			var k *link
			defer func() { k.close() }()
			for i := range n / clients {
				id := fmt.Sprintf("b%d-%d", c, i)
				err := error(nil)
				if k == nil {
					k, err = s.link()
				}
				if err == nil {
					err = k.ask("GET", "/echo?"+id, id, "", id+" v", true)
				}
				if err != nil {
					mu.Lock()
					failed = append(failed, err)
					mu.Unlock()
				}
				if err != nil || k.over {
					k.close()
					k = nil
				}
			}
		})
	}
	wg.Wait()
	s.workers()
	return failed
}

// With a new worker for each request, no connection notices.
func TestMaxRequestsOfOne(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "2", "--max-requests", "1", "--queue-timeout", bootQueue}})
	if failed := s.burst(50, 5000); len(failed) > 0 {
		t.Errorf("%d requests failed: %v", len(failed), failed[:min(len(failed), 5)])
	}
	eventually(t, "some were recycled", func() bool { return len(s.events("worker_exit")) >= 3 })
}

// An app that leaks is kept in bounds.
func TestMaxRSS(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "2", "--max-rss", "100MiB", "--queue-timeout", bootQueue}})
	var k *link
	defer func() { k.close() }()
	var most int64
	until := time.Now()
	if os.Getenv("STANDPIPE_SOAK") != "" {
		until = until.Add(3 * time.Minute)
	}
	for i := 0; i < 600 || time.Now().Before(until); i++ {
		if k == nil {
			var err error
			if k, err = s.link(); err != nil {
				t.Fatal(err)
			}
		}
		id := fmt.Sprint("leak", i)
		if err := k.ask("GET", "/leak?"+id, id, "", id, true); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		for _, pid := range s.workers() {
			most = max(most, rssOf(pid))
		}
		time.Sleep(10 * time.Millisecond) // about 100 MB a second over two workers: it is looked at each second
	}
	if most > 400<<20 {
		t.Errorf("a worker grew to %d MiB", most>>20)
	}
	eventually(t, "some were recycled", func() bool { return len(s.events("worker_exit")) >= 2 })
	for _, r := range s.events("worker_exit") {
		if r.str("reason") != "max_rss" || r.str("in_flight") != "" {
			t.Errorf("%v", r)
		}
	}
}

// A worker that grows too fast for that is killed, and its record has the stack and the request.
func TestHardRSS(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": `import time
def eat():
    hoard = []
    while True:
        hoard.append(bytearray(4 << 20))
        hoard[-1][::4096] = bytes(len(hoard[-1]) // 4096)
        time.sleep(0.02)
def app(environ, start_response):
    if environ["PATH_INFO"] == "/eat":
        eat()
    start_response("200 OK", [])
    return [b"ok"]
`})
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "1", "--hard-rss", "150MiB", "--queue-timeout", bootQueue}})
	if r := s.get("/eat?x"); r.Status != 502 {
		t.Errorf("status %d", r.Status)
	}
	r := s.waitEvent("worker_exit")
	if r.str("reason") != "hard_rss" || r.str("cause") != "signal:9" || r.str("sender") != "standpipe" ||
		!strings.Contains(r.str("in_flight"), "GET /eat?x") || !strings.HasPrefix(r.fate(), "502") ||
		!strings.Contains(r.str("stacks"), "app.py:") {
		t.Errorf("%v", r)
	}
	s.want(200, "/")
}

// rssOf is a process's resident size in bytes; 0 when it has gone.
func rssOf(pid int) int64 {
	b, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "statm"))
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

// The pool follows a load that comes and goes; no worker is killed for it.
func TestScalesWithTheLoad(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "2..8", "--log-level", "debug", "--queue-timeout", bootQueue, "--timeout", "10m"}})
	s.waitWorkers(2)
	g := newGate(t)
	var waiting []*async
	for range 8 {
		waiting = append(waiting, s.background("/gate?"+g.path))
	}
	within(t, patience, "eight workers", func() bool { return len(s.workers()) == 8 })
	g.open(t)
	for _, a := range waiting {
		if r := a.wait(t); r.Status != 200 {
			t.Errorf("%d %s", r.Status, r.Body)
		}
	}
	up := s.events("scaled")
	for i, r := range up {
		if r.str("to") < r.str("from") {
			t.Errorf("record %d: %v", i, r)
		}
	}
	if os.Getenv("STANDPIPE_SOAK") != "" { // one slot each 30 s
		within(t, 5*time.Minute, "two workers again", func() bool { return len(s.workers()) == 2 })
	}
}

// An idle app has no worker, and the next request waits for one.
func TestIdleStop(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: steady(t), Args: []string{"-w", "2", "--idle-stop", "1s", "--queue-timeout", bootQueue}})
	eventually(t, "no worker is left", func() bool { return len(s.workers()) == 0 })
	if r := s.want(200, "/version"); r.Body != "v1" {
		t.Errorf("%q", r.Body)
	}
	if r := s.get("/readyz"); r.Status != 200 {
		t.Errorf("an app that sleeps is said not to be ready: %d", r.Status)
	}
}

// A started GET whose worker is killed from outside is run again; a POST is not; neither is lost in silence.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": `import os, time
def app(environ, start_response):
    with open("ran", "a") as f:
        f.write(environ["REQUEST_METHOD"] + " " + str(environ.get("standpipe.attempt")) + "\n")
    while not os.path.exists("open" + environ["REQUEST_METHOD"]):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"attempt %d" % environ.get("standpipe.attempt", 1)]
`})
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "1", "--queue-timeout", bootQueue}})
	ran := func() string {
		b, _ := os.ReadFile(filepath.Join(dir, "ran"))
		return string(b)
	}
	get := s.background("/again")
	eventually(t, "the GET runs", func() bool { return ran() == "GET None\n" })
	_ = syscall.Kill(s.workers()[0], syscall.SIGKILL)
	eventually(t, "the GET runs again", func() bool { return ran() == "GET None\nGET 2\n" })
	write(t, dir, map[string]string{"openGET": ""})
	if r := get.wait(t); r.Status != 200 || r.Body != "attempt 2" {
		t.Errorf("%d %q", r.Status, r.Body)
	}
	first := s.waitEvent("worker_exit")
	if !strings.Contains(first.str("in_flight"), "GET /again") || !strings.HasPrefix(first.fate(), fateAgain) {
		t.Errorf("%v", first)
	}

	post := make(chan *response, 1)
	go func() {
		r, _ := s.try(s.request("POST", "/pay", strings.NewReader("x")))
		post <- r
	}()
	eventually(t, "the POST runs", func() bool { return strings.HasSuffix(ran(), "POST None\n") })
	_ = syscall.Kill(s.workers()[0], syscall.SIGKILL)
	if r := <-post; r == nil || r.Status != 502 {
		t.Errorf("%+v", r)
	}
	s.waitLog(func(r record) bool {
		return r.event() == "worker_exit" && strings.Contains(r.str("in_flight"), "POST /pay") && strings.HasPrefix(r.fate(), "502")
	}, "the record names the POST")
	if n := strings.Count(ran(), "POST"); n != 1 {
		t.Errorf("the POST ran %d times", n)
	}
}

// An app that cannot be imported costs little: few tries, few lines.
func TestCrashLoop(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"good/app.py": hello("good"), "bad/app.py": `import os
with open("tries", "a") as f:
    f.write("x")
raise RuntimeError("broken at import")
`})
	s := start(t, opts{Dir: dir, Args: []string{"--app", "name=good,module=app:app,dir=good,workers=1,mount=/good", "--app", "name=bad,module=app:app,dir=bad,workers=4"}})
	const tries = 6
	var failed []record
	bad := func() []record {
		failed = nil
		for _, r := range s.events("app_failed") {
			if r.str("app") == "bad" {
				failed = append(failed, r)
			}
		}
		return failed
	}
	eventually(t, "several tries have failed", func() bool { return len(bad()) >= tries })
	records := len(failed)
	b, err := os.ReadFile(filepath.Join(dir, "bad", "tries"))
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != records && len(b) != records+1 { // the next one comes 7 s later at the earliest
		t.Errorf("%d tries, %d records of them", len(b), records)
	}
	eventually(t, "each try has a record", func() bool { return len(bad()) >= len(b) })
	for i := 1; i < len(failed); i++ { // the first ones may have begun at one time
		before, now := failed[i-1], failed[i]
		if pause := now.duration("retry_in"); pause != 2*before.duration("retry_in") {
			t.Errorf("a pause of %v after one of %v", pause, before.duration("retry_in"))
		}
		if took := now.time(t).Sub(before.time(t)); i >= 4 && took < before.duration("retry_in")*3/4 {
			t.Errorf("a try after %v, instead of about %v", took, before.duration("retry_in"))
		}
	}
	if n := len(s.stderrText()); n > 50<<10 {
		t.Errorf("%d bytes of log", n)
	}
	s.want(200, "/good")
	s.want(503, "/")
}
