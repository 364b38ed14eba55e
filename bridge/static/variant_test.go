package static

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// presser is an Encoder: gzip is gzip, the others are marked.
type presser struct{ calls atomic.Int64 }

func (p *presser) Encode(coding string, b []byte) ([]byte, error) {
	p.calls.Add(1)
	if coding != "gzip" {
		return append([]byte(coding+":"), b[:len(b)/2]...), nil
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	w.Close()
	return out.Bytes(), nil
}

func TestSiblings(t *testing.T) {
	rg := newRig(t, Options{}, nil)
	rg.write("a.css", strings.Repeat("a", 2000))
	rg.write("a.css.gz", "gz")
	rg.write("a.css.br", "br")
	rg.write("a.css.zst", "zst")
	rg.write("b.css", "b")
	rg.write("b.css.gz", "gzip of b")
	writeFile(t, filepath.Join(rg.dir, "stale.css"), "new", old.Add(time.Hour))
	rg.write("stale.css.gz", "of yesterday")
	rg.write("pic.png", "png")
	rg.write("pic.png.gz", "gz")
	tags := map[string]string{}
	for _, c := range []struct{ name, accept, coding, text string }{
		{"a.css", "", "", ""}, {"a.css", "gzip", "gzip", "gz"}, {"a.css", "gzip, br, zstd", "br", "br"}, {"a.css", "br;q=0.1, zstd", "zstd", "zst"},
		{"a.css", "identity, gzip;q=0.5", "", ""}, {"a.css", "br;q=0, *;q=0.1", "zstd", "zst"},
		{"b.css", "br, gzip", "gzip", "gzip of b"}, {"b.css", "br", "", "b"}, {"stale.css", "gzip", "", "new"}, {"pic.png", "gzip", "", "png"},
	} {
		a := rg.get("/static/"+c.name, "Accept-Encoding", c.accept)
		if got := a.Header.Get("Content-Encoding"); got != c.coding || c.text != "" && a.text != c.text {
			t.Errorf("%s %q: %q %q", c.name, c.accept, got, a.text)
		}
		if vary := a.Header.Get("Vary"); (vary == "Accept-Encoding") != (c.name == "a.css" || c.name == "b.css") {
			t.Errorf("%s: Vary %q", c.name, vary)
		}
		tag := a.Header.Get("ETag")
		if strings.HasPrefix(tag, "W/") {
			t.Errorf("%s %q: %s is weak", c.name, c.accept, tag)
		}
		if other, ok := tags[tag]; ok && other != c.name+" "+c.coding {
			t.Errorf("%s has the tag of %s", c.name, other)
		}
		tags[tag] = c.name + " " + c.coding
		if c.coding != "" && a.Header.Get("Content-Type") != "text/css; charset=utf-8" {
			t.Errorf("Content-Type %q", a.Header.Get("Content-Type"))
		}
		n := rg.get("/static/"+c.name, "Accept-Encoding", c.accept, "If-None-Match", tag)
		if n.StatusCode != 304 || n.Header.Get("ETag") != tag || n.Header.Get("Vary") != a.Header.Get("Vary") || n.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %v", c.name, n.StatusCode, n.Header)
		}
	}
	if a := rg.get("/static/a.css", "Accept-Encoding", "br", "Range", "bytes=1-1"); a.StatusCode != 206 || a.text != "r" || a.Header.Get("Content-Encoding") != "br" {
		t.Errorf("a part of a sibling: %d %q", a.StatusCode, a.text)
	}
	// One comes, one goes, one changes.
	rg.write("b.css.br", "br")
	rg.age()
	if a := rg.get("/static/b.css", "Accept-Encoding", "br, gzip"); a.text != "br" {
		t.Errorf("a new sibling: %q", a.text)
	}
	writeFile(t, filepath.Join(rg.dir, "b.css.br"), "br2", old.Add(time.Minute))
	rg.age()
	if a := rg.get("/static/b.css", "Accept-Encoding", "br, gzip"); a.text != "br2" {
		t.Errorf("a changed sibling: %q", a.text)
	}
	if err := os.Remove(filepath.Join(rg.dir, "b.css.br")); err != nil {
		t.Fatal(err)
	}
	rg.age()
	if a := rg.get("/static/b.css", "Accept-Encoding", "br, gzip"); a.text != "gzip of b" {
		t.Errorf("a removed sibling: %q", a.text)
	}
}

// A sibling is confined as the file itself.
func TestSiblingOutside(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	writeFile(t, outside, "secret", old.Add(time.Hour))
	rg := newRig(t, Options{}, nil)
	rg.write("a.css", "a")
	if err := os.Symlink(outside, filepath.Join(rg.dir, "a.css.gz")); err != nil {
		t.Fatal(err)
	}
	if a := rg.get("/static/a.css", "Accept-Encoding", "gzip"); a.text != "a" || a.Header.Get("Content-Encoding") != "" {
		t.Errorf("%q", a.text)
	}
}

func TestPressedHere(t *testing.T) {
	p := &presser{}
	rg := newRig(t, Options{Encoder: p, MinSize: 100}, nil)
	content := strings.Repeat("abc ", 1000)
	rg.write("a.css", content)
	rg.write("small.css", "small")
	rg.write("a.png", content)
	rg.write("large.css", strings.Repeat(content, 30))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { rg.get("/static/a.css", "Accept-Encoding", "gzip") })
	}
	wg.Wait()
	a := rg.get("/static/a.css", "Accept-Encoding", "gzip")
	if p.calls.Load() != 1 {
		t.Errorf("compressed %d times", p.calls.Load())
	}
	z, err := gzip.NewReader(strings.NewReader(a.text))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(z); err != nil || string(plain) != content {
		t.Errorf("%v, %d bytes", err, len(plain))
	}
	identity := rg.get("/static/a.css")
	tag := identity.Header.Get("ETag")
	if a.Header.Get("ETag") != "W/"+tag || a.Header.Get("Accept-Ranges") != "" || a.Header.Get("Vary") != "Accept-Encoding" || identity.Header.Get("Vary") != "Accept-Encoding" ||
		a.ContentLength != int64(len(a.text)) || a.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v\n%v", a.Header, identity.Header)
	}
	for _, c := range []struct {
		status int
		fields []string
	}{
		{304, []string{"If-None-Match", "W/" + tag}}, {304, []string{"If-None-Match", tag}}, {200, []string{"If-Match", "W/" + tag}}, {200, []string{"If-Match", tag}},
		{412, []string{"If-Match", `W/"x"`}}, {206, []string{"Range", "bytes=0-9"}}, {206, []string{"Range", "bytes=0-9", "If-Range", tag}}, {200, []string{"Range", "bytes=0-9", "If-Range", "W/" + tag}},
	} {
		n := rg.get("/static/a.css", append([]string{"Accept-Encoding", "gzip"}, c.fields...)...)
		if n.StatusCode != c.status || n.Header.Get("Vary") != "Accept-Encoding" && c.status != 412 {
			t.Errorf("%v: %d, Vary %q", c.fields, n.StatusCode, n.Header.Get("Vary"))
		}
		if c.status == 206 && (n.text != content[:10] || n.Header.Get("Content-Encoding") != "") {
			t.Errorf("%v: %q", c.fields, n.text)
		}
	}
	for _, name := range []string{"small.css", "a.png"} {
		if a := rg.get("/static/"+name, "Accept-Encoding", "gzip"); a.Header.Get("Content-Encoding") != "" || a.Header.Get("Vary") != "" {
			t.Errorf("%s: %v", name, a.Header)
		}
	}
	if a := rg.get("/static/large.css", "Accept-Encoding", "gzip"); a.Header.Get("Content-Encoding") != "gzip" {
		t.Error("a large file was not compressed")
	}
	if h := rg.do("HEAD", "/static/a.css", "Accept-Encoding", "gzip"); h.Header.Get("Content-Length") != fmt.Sprint(len(a.text)) || h.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("HEAD: %v", h.Header)
	}
	// A change of the file is one of what was made of it.
	rg.write("a.css", strings.Repeat("xyz ", 1000))
	rg.age()
	if b := rg.get("/static/a.css", "Accept-Encoding", "gzip"); b.text == a.text {
		t.Error("of the old file")
	}
}

func TestCacheIsBounded(t *testing.T) {
	cache := NewCache(100<<10, 4)
	rg := newRig(t, Options{Cache: cache}, func(p *Mount) { p.Siblings, p.Compress = false, false })
	var names []string
	for i := range 40 {
		name := fmt.Sprintf("f%d.txt", i)
		names = append(names, name)
		rg.write(name, strings.Repeat(fmt.Sprint(i%10), 10<<10))
	}
	for round := range 3 {
		for i, name := range names {
			if a := rg.get("/static/" + name); a.text != strings.Repeat(fmt.Sprint(i%10), 10<<10) {
				t.Fatalf("round %d: %s has %d bytes", round, name, len(a.text))
			}
		}
		cache.mu.Lock()
		size, sum := cache.size, int64(0)
		for _, e := range cache.ring {
			sum += e.file.Load().cost()
		}
		n := len(cache.ring)
		cache.mu.Unlock()
		if size > cache.most || sum > cache.most || n != len(names) {
			t.Errorf("%d bytes counted, %d kept, of %d; %d entries", size, sum, cache.most, n)
		}
	}
	rg.mounts.Swap(nil, 0)
	if len(cache.entries) != 0 || len(cache.ring) != 0 || cache.size != 0 {
		t.Errorf("%d entries, %d bytes are left", len(cache.entries), cache.size)
	}
}

func TestNoCache(t *testing.T) {
	rg := newRig(t, Options{Cache: NewCache(0, 0), Encoder: &presser{}}, nil)
	rg.write("a.css", strings.Repeat("a", 5000))
	for range 3 {
		if a := rg.get("/static/a.css", "Accept-Encoding", "gzip"); a.StatusCode != 200 || len(a.text) != 5000 {
			t.Errorf("%d, %d bytes", a.StatusCode, len(a.text))
		}
	}
}

func TestManyAtATime(t *testing.T) {
	rg := newRig(t, Options{Cache: NewCache(64<<10, 8), Encoder: &presser{}, MinSize: 1}, nil)
	for i := range 20 {
		rg.write(fmt.Sprintf("f%d.css", i), strings.Repeat(fmt.Sprint(i%10), (i+1)<<12))
	}
	stop := make(chan struct{})
	var swapper, clients sync.WaitGroup
	swapper.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			p := rg.mounts.openMounts()[0].Mount
			p.Rules = []Rule{{Pattern: "*", Value: fmt.Sprint("max-age=", n)}}
			rg.mounts.Swap([]Mount{p}, time.Duration(n%2)*time.Hour)
			rg.age()
		}
	})
	for g := range 4 {
		clients.Go(func() {
			for i := range 100 {
				n := (i*7 + g) % 20
				a := rg.get(fmt.Sprintf("/static/f%d.css", n))
				if a.StatusCode != 200 || a.text != strings.Repeat(fmt.Sprint(n%10), (n+1)<<12) {
					t.Errorf("f%d: %d, %d bytes", n, a.StatusCode, len(a.text))
				}
			}
		})
	}
	clients.Wait()
	close(stop)
	swapper.Wait()
}
