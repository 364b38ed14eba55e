package cache

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
)

func TestHitAndMiss(t *testing.T) {
	t.Parallel()
	var asked counting
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("ETag", `"a"`)
		fmt.Fprintf(w, "answer %d", asked.add())
	})
	first := g.get("/a")
	if first.status != 200 || first.body != "answer 1" || first.cacheStatus() != "standpipe; fwd=uri-miss; stored" {
		t.Fatalf("first: %+v", first)
	}
	if in := g.info(); in.Cache != "miss" {
		t.Errorf("info of a miss: %+v", in)
	}
	again := g.get("/a")
	if again.body != "answer 1" || !strings.HasPrefix(again.cacheStatus(), "standpipe; hit; ttl=") || again.header.Get("Age") == "" || again.header.Get("ETag") != `"a"` {
		t.Fatalf("second: %+v", again)
	}
	if in := g.info(); in.Cache != "hit" || in.Source != "cache" || in.App != "shop" {
		t.Errorf("info of a hit: %+v", in)
	}
	if h := g.do("HEAD", "/a"); h.status != 200 || h.header.Get("Content-Length") != "8" || !strings.Contains(h.cacheStatus(), "hit") {
		t.Errorf("HEAD: %+v", h)
	}
	if c := g.get("/a", `If-None-Match: "a"`); c.status != 304 || c.body != "" || c.header.Get("ETag") != `"a"` {
		t.Errorf("condition: %+v", c)
	}
	if p := g.get("/a", "Range: bytes=0-2"); p.status != 206 || p.body != "ans" || p.header.Get("Content-Range") != "bytes 0-2/8" {
		t.Errorf("range: %+v", p)
	}
	if p := g.get("/a", "Range: bytes=0-1,3-4"); p.status != 206 || !strings.Contains(p.body, "an\r\n") || !strings.HasPrefix(p.header.Get("Content-Type"), "multipart/byteranges") {
		t.Errorf("ranges: %+v", p)
	}
	if p := g.get("/a", "Range: bytes=90-"); p.status != 416 || p.header.Get("Content-Range") != "bytes */8" {
		t.Errorf("no such range: %+v", p)
	}
	if n := asked.count(); n != 1 {
		t.Errorf("the app was asked %d times", n)
	}
	if s := g.cache.Stats(); len(s) != 1 || s[0].Hits != 6 || s[0].Misses != 1 || s[0].Entries != 1 || s[0].Bytes <= 0 {
		t.Errorf("stats: %+v", s)
	}
}

func TestNotStored(t *testing.T) {
	t.Parallel()
	var asked counting
	g := newRig(t, Options{PassFor: time.Minute}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private")
		fmt.Fprintf(w, "answer %d", asked.add())
	})
	if a := g.get("/"); a.body != "answer 1" || a.cacheStatus() != "standpipe; fwd=uri-miss; detail=private" {
		t.Errorf("first: %+v", a)
	}
	if a := g.get("/"); a.body != "answer 2" || a.cacheStatus() != "standpipe; fwd=bypass; detail=cache_pass" {
		t.Errorf("second: %+v", a)
	}
	if in := g.info(); in.Cache != "pass" {
		t.Errorf("info: %+v", in)
	}
}

// Cache-Status says why an answer is not stored.
func TestDetail(t *testing.T) {
	t.Parallel()
	const large = 4 << 10
	for why, fields := range map[string]http.Header{
		"private":      {"Cache-Control": {"private"}},
		"no-store":     {"Cache-Control": {"no-store"}},
		"set-cookie":   {"Cache-Control": {"max-age=60"}, "Set-Cookie": {"a=b"}},
		"no-freshness": {},
		"vary":         {"Cache-Control": {"max-age=60"}, "Vary": {"*"}},
		"size":         {"Cache-Control": {"max-age=60"}, "Content-Length": {strconv.Itoa(large)}},
	} {
		g := newRig(t, Options{MaxObject: large / 2}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
			for name, values := range fields {
				w.Header()[name] = values
			}
			if fields["Content-Length"] != nil {
				_, _ = w.Write(make([]byte, large))
			}
		})
		if a := g.get("/"); a.cacheStatus() != "standpipe; fwd=uri-miss; detail="+why {
			t.Errorf("%s: %q", why, a.cacheStatus())
		}
	}
	g := newRig(t, Options{}, StageOptions{}, func(http.ResponseWriter, *http.Request) {})
	if a := g.get("/", "Cache-Control: no-store"); a.cacheStatus() != "standpipe; fwd=bypass; detail=request-no-store" {
		t.Errorf("no-store in the request: %q", a.cacheStatus())
	}
}

func TestCollapsing(t *testing.T) {
	t.Parallel()
	const clients = 50
	var asked counting
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		asked.add()
		time.Sleep(300 * time.Millisecond) // until all clients wait
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprint(w, "part 1 ")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(50 * time.Millisecond) // the body takes its time
		fmt.Fprint(w, "part 2")
	})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			if a := g.get("/x"); a.body != "part 1 part 2" || a.err != nil {
				t.Errorf("got %+v", a)
			}
		})
	}
	all.Wait()
	if n := asked.count(); n != 1 {
		t.Errorf("the app was asked %d times", n)
	}
	if s := g.cache.Stats()[0]; s.Misses != 1 || s.Collapsed+s.Hits != clients-1 {
		t.Errorf("stats: %+v", s)
	}
}

func TestValidation(t *testing.T) {
	t.Parallel()
	var asked counting
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		n := asked.add()
		w.Header().Set("Cache-Control", "max-age=0, must-revalidate")
		w.Header().Set("ETag", `"v"`)
		w.Header().Set("X-Count", fmt.Sprint(n))
		if r.Header.Get("If-None-Match") == `"v"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, "body")
	})
	g.get("/")
	a := g.get("/")
	if a.status != 200 || a.body != "body" || a.header.Get("X-Count") != "2" || !strings.Contains(a.cacheStatus(), "fwd-status=304") {
		t.Errorf("validated: %+v", a)
	}
	if in := g.info(); in.Cache != "revalidated" {
		t.Errorf("info: %+v", in)
	}
	if a := g.get("/", `If-None-Match: "v"`); a.status != 304 {
		t.Errorf("validated for a condition: %+v", a)
	}
}

func TestInvalidation(t *testing.T) {
	t.Parallel()
	var asked counting
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.Header().Set("Location", "/b")
			w.WriteHeader(303)
			return
		}
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintf(w, "%d", asked.add())
	})
	g.get("/a")
	g.get("/b")
	g.get("/c")
	if p := g.do("POST", "/a"); p.status != 303 {
		t.Fatalf("POST: %+v", p)
	}
	for path, want := range map[string]string{"/a": "fwd=uri-miss; stored", "/b": "fwd=uri-miss; stored", "/c": "hit; ttl="} {
		if a := g.get(path); !strings.Contains(a.cacheStatus(), want) {
			t.Errorf("%s: %s, not %s", path, a.cacheStatus(), want)
		}
	}
}

func TestVariants(t *testing.T) {
	t.Parallel()
	var asked counting
	g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
		asked.add()
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "X-Color")
		fmt.Fprint(w, r.Header.Get("X-Color"))
	})
	for range 2 {
		for _, color := range []string{"red", "green"} {
			a := g.get("/", "X-Color: "+color)
			if a.body != color {
				t.Errorf("%s: %+v", color, a)
			}
		}
	}
	if n := asked.count(); n != 2 {
		t.Errorf("the app was asked %d times", n)
	}
}

// Requests that get the same coding from the server share an answer; what the app has encoded itself by rules of its own is for
// those alone that say the same.
func TestCodingOfTheApp(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, StageOptions{Settings: rules.Settings{Codings: []string{"zstd", "gzip"}}}, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "max-age=60")
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "br") {
			h.Set("Content-Encoding", "br")
			fmt.Fprint(w, "br")
			return
		}
		h.Set("Content-Encoding", "gzip")
		fmt.Fprint(w, "gzip")
	})
	for _, c := range []struct{ accept, body, status string }{
		{"br;q=0.1, gzip", "br", "stored"},
		{"gzip", "gzip", "stored"},
		{"gzip, deflate", "gzip", "hit"},
		{"br;q=0.1,GZIP", "gzip", "hit"}, // it is as good for this one
	} {
		if a := g.get("/", "Accept-Encoding: "+c.accept); a.body != c.body || !strings.Contains(a.cacheStatus(), c.status) {
			t.Errorf("%s: %+v", c.accept, a)
		}
	}
}
