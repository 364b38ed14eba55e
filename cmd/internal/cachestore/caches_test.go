package cachestore

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/cache"
)

// site is a machine with a Cache in front of an app.
type site struct {
	t     testing.TB
	url   string
	cache *cache.Cache
	store *Store
	log   bridgetest.Log
}

// newSite starts one. All have the same name to clients.
func (s *server) newSite(patience time.Duration, app http.HandlerFunc) *site {
	s.t.Helper()
	g := &site{t: s.t}
	log := hclog.New(&hclog.LoggerOptions{Output: &g.log})
	var err error
	if g.store, err = Open(Options{URL: "unix://" + s.socket, Prefix: "test:", Log: log}); err != nil {
		s.t.Fatal(err)
	}
	g.store.peer.patience = patience
	g.cache = cache.New(cache.Options{Memory: 32 << 20, MaxObject: 16 << 20, Wait: 20 * time.Second, PassFor: time.Second, Tiers: []cache.Tier{g.store}, Log: log})
	h := bridgetest.Handler(g.cache.Stage(cache.StageOptions{App: "shop"})(app))
	web := httptest.NewServer(h)
	g.url = web.URL
	s.t.Cleanup(func() { web.Close(); g.cache.Close() })
	return g
}

// get returns what a client gets, and how.
func (g *site) get(path string, fields ...string) (body, how string, err error) {
	r, _ := http.NewRequest("GET", g.url+path, nil)
	r.Host = "shop.example"
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Set(name, value)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", "", err
	}
	defer a.Body.Close()
	p, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode != 200 {
		err = fmt.Errorf("status %d", a.StatusCode)
	}
	return string(p), a.Header.Get("Cache-Status"), err
}

// want gets a page until it is the one that is wanted: what another machine has done takes a moment.
func (g *site) want(path, body, how string) {
	g.t.Helper()
	var b, h string
	bridgetest.Until(g.t, fmt.Sprintf("%s: %q, %q", path, body, how), func() bool {
		var err error
		if b, h, err = g.get(path); err != nil {
			g.t.Fatal(err)
		}
		return b == body && strings.Contains(h, how)
	})
}

// What one machine has fetched, the other one serves; what one purges or replaces, the other one does not serve any more.
func TestTwoCaches(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var asked, version atomic.Int32
	app := func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Cache-Groups", `"goods"`)
		fmt.Fprint(w, r.URL.Path, " ", version.Load())
	}
	a, b := s.newSite(10*time.Second, app), s.newSite(10*time.Second, app)
	a.want("/p", "/p 0", "")
	bridgetest.Until(t, "it is stored", func() bool { return a.store.Stats().Saved == 1 })
	for range 10 {
		b.want("/p", "/p 0", "hit")
		a.want("/p", "/p 0", "hit")
	}
	if asked.Load() != 1 || b.store.Stats().Loads > 2 {
		t.Errorf("the app was asked %d times, and the server %d times", asked.Load(), b.store.Stats().Loads)
	}
	for i, p := range []cache.Purge{{URL: "http://shop.example/p"}, {Group: "goods"}, {Prefix: "/"}, {All: true}} {
		version.Store(int32(i + 1))
		if _, err := a.cache.Purge(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if body, how, err := a.get("/p"); body != fmt.Sprint("/p ", i+1) {
			t.Errorf("%+v: on its own machine: %q %q %v", p, body, how, err)
		}
		b.want("/p", fmt.Sprint("/p ", i+1), "")
		b.want("/p", fmt.Sprint("/p ", i+1), "hit")
	}
	version.Store(9)
	if body, _, err := a.get("/p", "Cache-Control: no-cache"); body != "/p 9" {
		t.Error(body, err)
	}
	b.want("/p", "/p 9", "hit")
	if a.log.String()+b.log.String() != "" {
		t.Error(a.log.String(), b.log.String())
	}
}

// Clients of two machines ask for one key: one machine asks the app, once; the other one has its answer. What is not stored does not wait.
func TestOneMachineFetches(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var asked atomic.Int32
	release := make(chan struct{})
	app := func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/private" {
			w.Header().Set("Cache-Control", "private")
			fmt.Fprint(w, "private")
			return
		}
		<-release
		w.Header().Set("Cache-Control", "max-age=600")
		fmt.Fprint(w, "page")
	}
	sites := []*site{s.newSite(10*time.Second, app), s.newSite(10*time.Second, app)}
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			if body, how, err := sites[i%2].get("/p"); body != "page" {
				t.Error(body, how, err)
			}
		})
	}
	bridgetest.Until(t, "the app is asked, and the other machine waits", func() bool {
		n := 0
		for _, g := range sites {
			g.store.peer.waiters.mu.Lock()
			n += len(g.store.peer.waiters.byKey)
			g.store.peer.waiters.mu.Unlock()
		}
		return asked.Load() == 1 && n == 1
	})
	close(release)
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("the app was asked %d times", n)
	}
	began := time.Now()
	for i := range 20 {
		if body, _, err := sites[i%2].get("/private"); body != "private" {
			t.Error(body, err)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("they wait %v for what is not stored", took)
	}
}

// The server is stopped, killed and started under load: no request fails, none gets a wrong body, and no machine serves what it has purged.
func TestOutagesUnderLoad(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--appendonly", "yes", "--appendfsync", "always")
	const pages = 8
	var versions [pages]atomic.Int64
	app := func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.Header().Set("Cache-Control", "max-age=600")
		fmt.Fprintf(w, "%d %d %s", n, versions[n].Load(), strings.Repeat("x", 10_000))
	}
	sites := []*site{s.newSite(patience, app), s.newSite(patience, app)}
	end := make(chan struct{})
	var all sync.WaitGroup
	var requests atomic.Int64
	read := func(g *site, n int) int64 {
		body, how, err := g.get(fmt.Sprint("/", n))
		requests.Add(1)
		var got int
		var version int64
		var rest string
		if _, e := fmt.Sscanf(body, "%d %d %s", &got, &version, &rest); err != nil || e != nil || got != n || rest != strings.Repeat("x", 10_000) || version > versions[n].Load() {
			t.Errorf("page %d: %.20q %q %v", n, body, how, err)
		}
		return version
	}
	for _, g := range sites {
		for range 2 {
			all.Go(func() {
				for {
					select {
					case <-end:
						return
					default:
						read(g, rand.IntN(pages))
					}
				}
			})
		}
	}
	for i, g := range sites { // each changes half of the pages
		all.Go(func() {
			for {
				select {
				case <-end:
					return
				case <-time.After(5 * time.Millisecond):
				}
				n := rand.IntN(pages/2)*2 + i
				v := versions[n].Add(1)
				if _, err := g.cache.Purge(t.Context(), cache.Purge{URL: fmt.Sprint("http://shop.example/", n)}); err != nil {
					t.Error(err)
				}
				if got := read(g, n); got < v {
					t.Errorf("page %d: version %d after %d was purged", n, got, v-1)
				}
			}
		})
	}
	for range 2 {
		time.Sleep(300 * time.Millisecond) // of load
		s.kill()
		time.Sleep(200 * time.Millisecond)
		s.start()
		bridgetest.Until(t, "both are connected", func() bool { return !sites[0].store.Stats().Away && !sites[1].store.Stats().Away })
		time.Sleep(200 * time.Millisecond)
		s.signal(syscall.SIGSTOP)
		time.Sleep(400 * time.Millisecond)
		s.signal(syscall.SIGCONT)
	}
	close(end)
	all.Wait()
	for n := range pages { // in the end all agree
		for _, g := range sites {
			g.want(fmt.Sprint("/", n), fmt.Sprintf("%d %d %s", n, versions[n].Load(), strings.Repeat("x", 10_000)), "")
		}
	}
	t.Logf("%d requests", requests.Load())
	for _, g := range sites {
		if strings.Contains(g.log.String(), "cache_failed") {
			t.Error(g.log.String())
		}
	}
}
