package cache

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// joined waits until n clients wait for the fetches that are under way.
func (g *rig) joined(n int) {
	g.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		waiting := 0
		t := &g.cache.flights
		t.mu.Lock()
		for _, list := range t.byKey {
			for _, f := range list {
				f.mu.Lock()
				if f.verdict == unknown || f.verdict == shared { // else its clients are about to leave
					waiting += f.waiting
				}
				f.mu.Unlock()
			}
		}
		t.mu.Unlock()
		if waiting >= n {
			return
		}
	}
	g.t.Fatalf("no %d clients wait", n)
}

// age is the Age of an answer in seconds; -1: it has none.
func age(a *reply) int {
	n, err := strconv.Atoi(a.header.Get("Age"))
	if err != nil {
		return -1
	}
	return n
}

// What an answer has for its first client alone does not reach those that wait for the same fetch (RFC 9111 5.2.2.7).
func TestCollapsedFields(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		<-release
		h := w.Header()
		h.Set("Cache-Control", `max-age=60, private="X-User", no-cache="X-Token"`)
		h.Set("X-User", "first")
		h.Set("X-Token", "first")
		h.Set("X-Other", "all")
		h.Set("Age", "5")
		fmt.Fprint(w, "body")
	})
	var mu sync.Mutex
	users := map[string]int{}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			a := g.get("/")
			mu.Lock()
			defer mu.Unlock()
			users[a.header.Get("X-User")+a.header.Get("X-Token")]++
			if a.body != "body" || a.header.Get("X-Other") != "all" || age(a) < 5 || len(a.header["Age"]) != 1 {
				t.Errorf("%+v", a)
			}
		})
	}
	g.joined(5)
	close(release)
	all.Wait()
	if users["firstfirst"] != 1 || users[""] != 4 {
		t.Errorf("%v", users)
	}
}

// An answer that may not be used again without asking the app is not shared, and those that have waited for it do not queue.
func TestCollapsedNoCache(t *testing.T) {
	t.Parallel()
	const clients = 10
	var asked counting
	release, all := make(chan struct{}), make(chan struct{})
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		n := asked.add()
		if n == 1 {
			<-release
		}
		if n == clients+1 {
			close(all)
		}
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
		w.(http.Flusher).Flush()
		if n > 1 {
			<-all // all of them are asked at the same time
		}
		fmt.Fprintf(w, "%d", n)
	})
	var got sync.Map
	var done sync.WaitGroup
	get := func() { got.Store(g.get("/").body, true) }
	done.Go(get)
	g.joined(1)
	for range clients {
		done.Go(get)
	}
	g.joined(clients + 1)
	close(release)
	done.Wait()
	for n := range clients + 1 {
		if _, ok := got.Load(fmt.Sprint(n + 1)); !ok {
			t.Errorf("no client got answer %d", n+1)
		}
	}
}

// What must be validated for each request is validated once for those that have come before the app was asked.
func TestCollapsedValidation(t *testing.T) {
	t.Parallel()
	const clients = 10
	var asked counting
	first, began, second := make(chan struct{}), make(chan struct{}), make(chan struct{})
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		n := asked.add()
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", `"a"`)
		switch n {
		case 2:
			<-first
		case 3:
			close(began)
			<-second
		}
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, "the page")
	})
	g.get("/")
	var done sync.WaitGroup
	get := func() {
		if a := g.get("/"); a.body != "the page" || a.status != 200 {
			t.Errorf("%+v", a)
		}
	}
	done.Go(get)
	g.joined(1)
	for range clients {
		done.Go(get)
	}
	g.joined(clients + 1)
	close(first) // it was begun before the others came
	<-began
	g.joined(clients)
	close(second)
	done.Wait()
	if n := asked.count(); n != 3 {
		t.Errorf("the app was asked %d times", n)
	}
}

// A client that has just changed something does not get what the app was asked for before.
func TestCollapsedAfterChange(t *testing.T) {
	t.Parallel()
	var asked counting
	release := make(chan struct{})
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			return
		}
		n := asked.add()
		if n == 1 {
			<-release
		}
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintf(w, "%d", n)
	})
	var first sync.WaitGroup
	first.Go(func() {
		if a := g.get("/"); a.body != "1" {
			t.Errorf("first: %+v", a)
		}
	})
	g.joined(1)
	g.do("POST", "/")
	if a := g.get("/"); a.body != "2" {
		t.Errorf("after the change: %+v", a)
	}
	close(release)
	first.Wait()
	if a := g.get("/"); a.body != "2" || !strings.Contains(a.cacheStatus(), "hit") {
		t.Errorf("stored: %+v", a)
	}
}

// A 304 that sets a cookie is for its own client: those that wait do not get the cookie, and the answer is not stored any more.
func TestCollapsedSetCookie(t *testing.T) {
	t.Parallel()
	var asked counting
	release := make(chan struct{})
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		h, n := w.Header(), asked.add()
		h.Set("Cache-Control", "max-age=60")
		h.Set("ETag", `"a"`)
		if n == 1 {
			h.Set("Cache-Control", "max-age=0")
			fmt.Fprint(w, "body")
			return
		}
		if n == 2 {
			<-release
		}
		h.Set("Set-Cookie", fmt.Sprintf("id=%d", n))
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
		}
	})
	g.get("/")
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for range 5 {
		all.Go(func() {
			a := g.get("/")
			mu.Lock()
			defer mu.Unlock()
			got[a.header.Get("Set-Cookie")]++
		})
	}
	g.joined(5)
	close(release)
	all.Wait()
	if len(got) != 5 {
		t.Errorf("%v", got)
	}
}

// An error that has a lifetime does not replace an answer that may be served instead.
func TestErrorDoesNotReplace(t *testing.T) {
	t.Parallel()
	var asked counting
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		if asked.add() == 1 {
			w.Header().Set("Cache-Control", "max-age=60, stale-if-error=60")
			w.Header().Set("Age", "60")
			fmt.Fprint(w, "good")
			return
		}
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	g.get("/")
	for range 2 {
		if a := g.get("/"); a.status != 200 || a.body != "good" {
			t.Errorf("%+v", a)
		}
	}
}

// A client that has all of a response, and asks again by another connection, gets it from the store, although the app takes a moment to end
// after its last byte. What the app flushes reaches the client before that end.
func TestStoredWhenTheClientHasIt(t *testing.T) {
	t.Parallel()
	received := make(chan struct{})
	body := strings.Repeat("0123456789abcdef", 5000)
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		for part := range slices.Chunk([]byte(body), 20_000) {
			_, _ = w.Write(part)
		}
		if r.URL.Path == "/flushed" {
			_ = http.NewResponseController(w).Flush()
			<-received
			return
		}
		time.Sleep(50 * time.Millisecond) // the app's end
	})
	for range 3 {
		path := "/" + rand.Text()
		first := g.get(path, "Connection: close")
		if again := g.get(path, "Connection: close"); first.body != body || again.body != body || !strings.HasPrefix(again.cacheStatus(), "standpipe; hit") {
			t.Errorf("%s, then %s", first.cacheStatus(), again.cacheStatus())
		}
	}
	if r := g.get("/flushed"); r.body != body {
		t.Errorf("%d bytes", len(r.body))
	}
	close(received)
}
