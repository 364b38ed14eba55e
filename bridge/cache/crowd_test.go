package cache

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// call asks a stage without a server.
func call(h http.Handler, target string, fields ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	rec := new(httpx.Writer)
	rec.Reset(w)
	rec.Info.Scheme = "http"
	h.ServeHTTP(rec, r)
	return w
}

// 10,000 clients that ask for one key that has expired reach the app once.
func TestCrowd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const clients = 10_000
		var asked atomic.Int64
		c := New(Options{Memory: 64 << 20, MaxObject: 1 << 20, Wait: 5 * time.Second, PassFor: 10 * time.Second})
		defer c.Close()
		h := c.Stage(StageOptions{App: "shop"})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := asked.Add(1)
			time.Sleep(2 * time.Second)
			w.Header().Set("Cache-Control", "max-age=60")
			fmt.Fprintf(w, "answer %d", n)
		}))
		call(h, "http://shop.example/")
		time.Sleep(2 * time.Minute)
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				if w := call(h, "http://shop.example/"); w.Body.String() != "answer 2" {
					t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
				}
			})
		}
		all.Wait()
		if n := asked.Load(); n != 2 {
			t.Errorf("the app was asked %d times", n)
		}
		if s := c.Stats()[0]; s.Misses != 2 || s.Collapsed != clients-1 {
			t.Errorf("%+v", s)
		}
	})
}

// A client that asks for 100,000 URLs evicts no page that others ask for.
func TestScan(t *testing.T) {
	t.Parallel()
	const hot = 100
	scanned := 100_000
	if raceOn { // ten times as slow
		scanned /= 10
	}
	c := New(Options{Memory: 16 << 20, MaxObject: 1 << 20, Wait: time.Second, PassFor: time.Second})
	defer c.Close()
	text := strings.Repeat("x", 4096)
	h := c.Stage(StageOptions{App: "shop"})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		fmt.Fprint(w, text)
	}))
	page := func(i int) string { return fmt.Sprintf("http://shop.example/hot/%d", i) }
	for range 10 {
		for i := range hot {
			call(h, page(i))
		}
	}
	for i := range scanned {
		call(h, fmt.Sprintf("http://shop.example/scan/%d", i))
		if i%20 == 0 { // the others go on
			call(h, page(i/20%hot))
		}
	}
	lost := 0
	for i := range hot {
		if !strings.Contains(call(h, page(i)).Header().Get("Cache-Status"), "hit") {
			lost++
		}
	}
	s := c.Stats()[0]
	if lost > 0 || s.Bytes > 16<<20 || s.Evicted < int64(scanned)/2 {
		t.Errorf("%d of %d hot pages are gone; %+v", lost, hot, s)
	}
}

// stale-while-revalidate: one request asks the app behind the clients' backs.
func TestRevalidateInBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		c := New(Options{Memory: 64 << 20, MaxObject: 1 << 20, Wait: 5 * time.Second, PassFor: 10 * time.Second})
		defer c.Close()
		h := c.Stage(StageOptions{App: "shop"})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := asked.Add(1)
			time.Sleep(time.Second)
			w.Header().Set("Cache-Control", "max-age=10, stale-while-revalidate=60")
			fmt.Fprintf(w, "%d", n)
		}))
		call(h, "http://shop.example/")
		time.Sleep(20 * time.Second)
		began := time.Now()
		for range 10 {
			if w := call(h, "http://shop.example/"); w.Body.String() != "1" || !strings.Contains(w.Header().Get("Cache-Status"), "hit; ttl=-1") {
				t.Errorf("%q %v", w.Body, w.Header())
			}
		}
		if time.Since(began) != 0 {
			t.Errorf("clients waited %v", time.Since(began))
		}
		time.Sleep(2 * time.Second)
		if w := call(h, "http://shop.example/"); w.Body.String() != "2" || asked.Load() != 2 {
			t.Errorf("%q, asked %d times", w.Body, asked.Load())
		}
		if s := c.Stats()[0]; s.Stale != 10 {
			t.Errorf("%+v", s)
		}
	})
}

// A hot answer is fetched again shortly before its end, and no client waits.
func TestEarlyRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		c := New(Options{Memory: 64 << 20, MaxObject: 1 << 20, Wait: 5 * time.Second, PassFor: 10 * time.Second})
		defer c.Close()
		h := c.Stage(StageOptions{App: "shop"})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			time.Sleep(100 * time.Millisecond)
			w.Header().Set("Cache-Control", "max-age=100")
			fmt.Fprint(w, "x")
		}))
		call(h, "http://shop.example/hot")
		call(h, "http://shop.example/cold")
		began := time.Now()
		waited := time.Duration(0)
		for time.Since(began) < 5*time.Minute {
			at := time.Now()
			call(h, "http://shop.example/hot")
			waited += time.Since(at)
			time.Sleep(time.Second)
		}
		if n := asked.Load(); n < 4 || n > 6 || waited > 0 {
			t.Errorf("asked %d times, clients waited %v", n, waited)
		}
	})
}

// A leader and those that wait get what is stored when the app does not answer in time, and the fetch goes on.
func TestLateApp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		c := New(Options{Memory: 64 << 20, MaxObject: 1 << 20, Wait: 5 * time.Second, PassFor: 10 * time.Second})
		defer c.Close()
		h := c.Stage(StageOptions{App: "shop"})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := asked.Add(1)
			if n > 1 {
				time.Sleep(time.Minute)
			}
			w.Header().Set("Cache-Control", "max-age=10, stale-if-error=600")
			fmt.Fprintf(w, "%d", n)
		}))
		call(h, "http://shop.example/")
		time.Sleep(20 * time.Second)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				at := time.Now()
				if w := call(h, "http://shop.example/"); w.Body.String() != "1" || time.Since(at) != 5*time.Second {
					t.Errorf("%q after %v", w.Body, time.Since(at))
				}
			})
		}
		all.Wait()
		at := time.Now()
		if w := call(h, "http://shop.example/"); w.Body.String() != "1" || time.Since(at) > 0 { // it has just failed
			t.Errorf("%q after %v", w.Body, time.Since(at))
		}
		time.Sleep(time.Minute)
		if w := call(h, "http://shop.example/"); w.Body.String() != "2" && asked.Load() != 2 {
			t.Errorf("%q, asked %d times", w.Body, asked.Load())
		}
	})
}

// Close ends a response that goes to one client alone, and a fetch in the background.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Int64
		c := New(Options{Memory: 64 << 20, MaxObject: 1 << 20, Wait: 5 * time.Second, PassFor: 10 * time.Second})
		h := c.Stage(StageOptions{App: "shop"})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/stream" {
				w.Header().Set("Cache-Control", "private")
				fmt.Fprint(w, "begun")
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
			ended.Add(1)
			if r.URL.Path == "/stream" {
				httpx.Abort(w)
			}
		}))
		var all sync.WaitGroup
		all.Go(func() { call(h, "http://shop.example/stream") })
		all.Go(func() { call(h, "http://shop.example/slow") })
		synctest.Wait()
		c.Close()
		all.Wait()
		if ended.Load() != 2 {
			t.Errorf("%d handlers have ended", ended.Load())
		}
		direct := c.Stage(StageOptions{App: "shop"})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "direct") }))
		if w := call(direct, "http://shop.example/"); w.Body.String() != "direct" { // the server may still answer
			t.Errorf("after Close: %q", w.Body)
		}
	})
}

// A client that does not read holds back no other one that waits for the same body, whose length is not known and which is too large to be
// stored; and the next requests do not wait for each other.
func TestSlowClientOfALargeAnswer(t *testing.T) {
	t.Parallel()
	const size = 24 << 20 // above what memory keeps of one body, and what the buffers of a connection take
	release := make(chan struct{})
	g := newRig(t, Options{PassFor: time.Minute}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		<-release
		w.Header().Set("Cache-Control", "max-age=60")
		piece := bytes.Repeat([]byte("x"), 64<<10)
		for range size / len(piece) {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	var all sync.WaitGroup
	all.Go(func() { // the fetch is its
		if a := g.get("/"); a.err != nil || len(a.body) != size {
			t.Errorf("%d bytes, %v", len(a.body), a.err)
		}
	})
	g.joined(1)
	slow, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	defer time.AfterFunc(patience, func() { slow.Close() }).Stop() // else the others would wait for it
	fmt.Fprintf(slow, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", g.addr)
	g.joined(2)
	for range 3 {
		all.Go(func() {
			if a := g.get("/"); a.err != nil || len(a.body) != size {
				t.Errorf("%d bytes, %v", len(a.body), a.err)
			}
		})
	}
	g.joined(5)
	close(release)
	all.Wait() // it takes until the slow client leaves, if that holds them back
	if a := g.get("/"); a.err != nil || !strings.Contains(a.cacheStatus(), "cache_pass") {
		t.Errorf("%s, %v", a.cacheStatus(), a.err)
	}
	if n, err := io.Copy(io.Discard, slow); err != nil || n < size {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// The app fails within a body for which others wait. They have begun nothing yet, and get an error of their own; the app is not asked by all of
// them, as what has made it fail may be the request.
func TestCutWhileOthersWait(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	release := make(chan struct{})
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprint(w, "the beginning")
		_ = http.NewResponseController(w).Flush()
		<-release
		httpx.Abort(w)
	})
	const clients = 5
	var cut, failed atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			switch a := g.get("/"); {
			case a.status == http.StatusBadGateway && a.err == nil:
				failed.Add(1)
			case a.status == http.StatusOK && a.err != nil:
				cut.Add(1)
			default:
				t.Errorf("%+v", a)
			}
		})
	}
	g.joined(clients)
	close(release)
	all.Wait()
	if cut.Load() != 1 || failed.Load() != clients-1 || asked.Load() != 1 {
		t.Errorf("%d are cut, %d have 502, the app was asked %d times", cut.Load(), failed.Load(), asked.Load())
	}
}
