package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
)

// shelf is a Tier in memory, with files for large bodies. Each Load opens a file of its own.
type shelf struct {
	dir  string
	mu   sync.Mutex
	list map[Key][]*Answer
	data map[[16]byte][]byte

	loads, saves atomic.Int64
	fail         atomic.Bool
	hold         chan struct{} // Save waits until it is closed; nil: it does not
	holding      chan struct{} // Save waits
}

func newShelf(t testing.TB) *shelf {
	return &shelf{dir: t.TempDir(), list: map[Key][]*Answer{}, data: map[[16]byte][]byte{}, holding: make(chan struct{}, 100)}
}

func (s *shelf) Name() string { return "shelf" }

var errShelf = errors.New("the shelf is broken")

func (s *shelf) Load(ctx context.Context, k Key) ([]*Answer, error) {
	s.loads.Add(1)
	if s.fail.Load() {
		return nil, errShelf
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Answer
	for _, a := range s.list[k] {
		b := &Answer{ID: a.ID, Key: a.Key, App: a.App, URL: a.URL, Vary: a.Vary, Status: a.Status, Fields: a.Fields, Terms: a.Terms, Groups: a.Groups}
		p := s.data[a.ID]
		if len(p) < 64<<10 {
			b.Body = BytesBody(p)
		} else {
			f, err := os.CreateTemp(s.dir, "")
			if err != nil {
				return nil, err
			}
			_ = os.Remove(f.Name())
			if _, err := f.Write(p); err != nil {
				return nil, err
			}
			b.Body = FileBody(f, 0, int64(len(p)))
		}
		out = append(out, b)
	}
	return out, nil
}

func (s *shelf) Save(ctx context.Context, a *Answer) error {
	if s.hold != nil {
		s.holding <- struct{}{}
		<-s.hold
	}
	s.saves.Add(1)
	if s.fail.Load() {
		return errShelf
	}
	p, err := io.ReadAll(a.Body.NewReader())
	if err != nil || int64(len(p)) != a.Body.Size() {
		return fmt.Errorf("%d of %d bytes, %w", len(p), a.Body.Size(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[a.ID] = p
	set := &Set{list: s.list[a.Key]}
	s.list[a.Key] = set.With(a).list
	return nil
}

func (s *shelf) Remove(ctx context.Context, k Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.list, k)
	return nil
}

func (s *shelf) Purge(ctx context.Context, p Purge) (n int, err error) {
	if s.fail.Load() {
		return 0, errShelf
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, list := range s.list {
		for _, a := range list {
			if p.Matches(a.App, a.URL, a.Groups) {
				delete(s.list, k)
				n++
			}
		}
	}
	return n, nil
}

func (s *shelf) Close() error { return nil }

func (s *shelf) Create() (*os.File, error) {
	f, err := os.CreateTemp(s.dir, "")
	if err == nil {
		err = os.Remove(f.Name())
	}
	return f, err
}

func (s *shelf) Ready() bool { return true }

func (s *shelf) WriteFailed(error) {}

var _ Creator = (*shelf)(nil)

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.list)
}

// What the memory has lost, or cannot hold, comes from the tier.
func TestTier(t *testing.T) {
	t.Parallel()
	var asked counting
	s := newShelf(t)
	large := strings.Repeat("0123456789abcdef", 2<<20/16)
	g := newRig(t, Options{Tiers: []Tier{s}}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		asked.add()
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("ETag", `"a"`)
		if r.Header.Get("If-None-Match") == `"a"` {
			w.WriteHeader(304)
			return
		}
		if r.URL.Path == "/large" {
			for i := 0; i < len(large); i += 10_000 {
				fmt.Fprint(w, large[i:min(i+10_000, len(large))])
			}
			return
		}
		fmt.Fprint(w, "small")
	})
	for path, want := range map[string]string{"/small": "small", "/large": large} {
		for range 3 {
			if a := g.get(path); a.body != want {
				t.Fatalf("%s: %d bytes, %v", path, len(a.body), a.err)
			}
		}
	}
	if n := asked.count(); n != 2 {
		t.Errorf("the app was asked %d times", n)
	}
	bridgetest.Until(t, "two answers in the tier", func() bool { return s.count() == 2 })
	forget(g.cache)
	for path, want := range map[string]string{"/small": "small", "/large": large} {
		for range 2 {
			if a := g.get(path); a.body != want || !strings.Contains(a.cacheStatus(), "hit") {
				t.Errorf("%s: %d bytes, %v, %s", path, len(a.body), a.err, a.cacheStatus())
			}
		}
	}
	if a := g.get("/large", "Range: bytes=1000000-1000015"); a.status != 206 || a.body != large[1000000:1000016] {
		t.Errorf("a range: %+v", a)
	}
	if a := g.get("/large", "Range: bytes=0-1,1000000-1000015"); a.status != 206 || !strings.Contains(a.body, large[1000000:1000016]) {
		t.Errorf("ranges: %d %v", a.status, a.err)
	}
	before := s.saves.Load()
	if a := g.get("/large", "Cache-Control: no-cache"); a.body != large || !strings.Contains(a.cacheStatus(), "fwd-status=304") {
		t.Errorf("validated: %d bytes, %s", len(a.body), a.cacheStatus())
	}
	bridgetest.Until(t, "the freshened answer", func() bool { return s.saves.Load() > before })
	if a := g.get("/large"); a.body != large || !strings.Contains(a.cacheStatus(), "hit") {
		t.Errorf("after that: %d bytes, %s", len(a.body), a.cacheStatus())
	}
	s.fail.Store(true)
	forget(g.cache)
	if a := g.get("/small"); a.body != "small" || !strings.Contains(a.cacheStatus(), "fwd=uri-miss") {
		t.Errorf("while the tier fails: %+v", a)
	}
	if _, err := g.cache.Purge(t.Context(), Purge{All: true}); !errors.Is(err, errShelf) {
		t.Errorf("a purge while the tier fails: %v", err)
	}
	if n := strings.Count(g.logs.String(), "cache_failed"); n != 1 || !strings.Contains(g.logs.String(), `"store":"shelf"`) {
		t.Errorf("%d records: %s", n, g.logs.String())
	}
}

// Clients that come while a large answer is being fetched, or stored, ask the app no more.
func TestTierLargeTogether(t *testing.T) {
	t.Parallel()
	var asked counting
	s := newShelf(t)
	s.hold = make(chan struct{})
	large := strings.Repeat("0123456789abcdef", 4<<20/16)
	half := make(chan struct{})
	g := newRig(t, Options{Tiers: []Tier{s}}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		asked.add()
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprint(w, large[:2<<20])
		_ = http.NewResponseController(w).Flush()
		<-half
		fmt.Fprint(w, large[2<<20:])
	})
	var all sync.WaitGroup
	ask := func() {
		all.Go(func() {
			if a := g.get("/"); a.body != large || a.err != nil {
				t.Errorf("%d bytes, %v", len(a.body), a.err)
			}
		})
	}
	for range 4 {
		ask()
	}
	bridgetest.Until(t, "the app", func() bool { return asked.count() == 1 })
	time.Sleep(100 * time.Millisecond) // so that the next ones find a part of it in the file
	for range 4 {
		ask()
	}
	close(half)
	<-s.holding
	for range 4 {
		ask()
	}
	all.Wait()
	close(s.hold)
	bridgetest.Until(t, "the answer in the tier", func() bool { return s.count() == 1 })
	ask()
	all.Wait()
	if n := asked.count(); n != 1 {
		t.Errorf("the app was asked %d times", n)
	}
}

// A purge holds for an answer that is about to be stored in a tier.
func TestPurgeWhileSaving(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.hold = make(chan struct{})
	g := newRig(t, Options{Tiers: []Tier{s}}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Cache-Groups", `"g"`)
		fmt.Fprint(w, "x")
	})
	for i := range 20 {
		g.get(fmt.Sprintf("/%d", i))
	}
	<-s.holding
	if _, err := g.cache.Purge(t.Context(), Purge{Group: "g"}); err != nil {
		t.Fatal(err)
	}
	close(s.hold)
	g.close()
	if n := s.count(); n > 0 {
		t.Errorf("%d answers were stored", n)
	}
}

// Purges by each of their kinds.
func TestPurges(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		p    func(origin string) Purge
		gone string // the paths of which the answers are gone
		n    int
	}{
		{"URL", func(o string) Purge { return Purge{URL: o + "/a"} }, "/a", 2},
		{"prefix", func(o string) Purge { return Purge{Prefix: o + "/a"} }, "/a /ab", 3},
		{"group", func(o string) Purge { return Purge{Group: "even", Origin: o} }, "/a /c", 3},
		{"group of another origin", func(o string) Purge { return Purge{Group: "even", Origin: "http://other.example"} }, "", 0},
		{"all", func(o string) Purge { return Purge{All: true} }, "/a /ab /c", 4},
		{"path", func(o string) Purge { return Purge{URL: "/c"} }, "/c", 1},
		{"before", func(o string) Purge { return Purge{All: true, At: time.Now().Add(-time.Hour)} }, "", 0},
	} {
		for _, soft := range []bool{false, true} {
			t.Run(fmt.Sprint(row.name, " soft ", soft), func(t *testing.T) {
				t.Parallel()
				g := newRig(t, Options{}, StageOptions{Cookies: []string{"lang"}}, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					w.Header().Set("ETag", `"x"`)
					if r.URL.Path != "/ab" {
						w.Header().Set("Surrogate-Key", "even all")
					}
					fmt.Fprint(w, r.Header.Get("Cookie"))
				})
				paths := []string{"/a", "/ab", "/c"}
				for _, path := range paths {
					g.get(path)
				}
				g.get("/a", "Cookie: lang=de") // a key of its own
				p := row.p("http://" + g.addr)
				p.Soft = soft
				if n, err := g.cache.Purge(t.Context(), p); err != nil || n != row.n {
					t.Errorf("%d answers, %v", n, err)
				}
				want := 4 - row.n
				if soft {
					want = 4
				}
				if s := g.cache.Stats()[0]; s.Entries != int64(want) {
					t.Errorf("%+v", s)
				}
				for _, path := range paths {
					a := g.do("GET", path, "Cache-Control: only-if-cached")
					gone := strings.Contains(" "+row.gone+" ", " "+path+" ")
					if hit := strings.Contains(a.cacheStatus(), "hit; ttl=") && !strings.Contains(a.cacheStatus(), "ttl=0") && !strings.Contains(a.cacheStatus(), "ttl=-"); hit == gone {
						t.Errorf("%s: %d %s", path, a.status, a.cacheStatus())
					}
				}
			})
		}
	}
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {})
	for _, p := range []Purge{{}, {All: true, Group: "g"}, {URL: "/", Prefix: "/"}} {
		if _, err := g.cache.Purge(t.Context(), p); !errors.Is(err, ErrPurge) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// forget empties the memory. What the tiers have stays.
func forget(c *Cache) {
	for k := range c.mem.sets.Keys() {
		c.mem.remove(k)
	}
}
