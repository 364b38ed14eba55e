package cache

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/bridge/static"
)

// served returns a function that sends a request to h, behind a real server, and reads its answer of 1 KB.
func served(t testing.TB, h http.Handler, request string) func() {
	t.Helper()
	ln, err := listen.Listen(context.Background(), listen.Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	server, group := http1.New(h, http1.Options{HeaderTimeout: patience, IdleTimeout: patience}), listen.NewGroup(listen.Options{})
	done := make(chan error, 1)
	go func() { done <- group.Serve(ln, server) }()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		group.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = server.Shutdown(ctx)
		<-done
	})
	out, buf, end := []byte(request), make([]byte, 8<<10), []byte(strings.Repeat("x", 1024))
	return func() {
		if _, err := c.Write(out); err != nil {
			t.Fatal(err)
		}
		for n := 0; !bytes.HasSuffix(buf[:n], end); {
			_ = c.SetReadDeadline(time.Now().Add(patience))
			m, err := c.Read(buf[n:])
			if err != nil {
				t.Fatalf("%v after %q", err, buf[:n])
			}
			n += m
		}
	}
}

const browser = "Host: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: sessionid=0123456789abcdef; csrftoken=fedcba9876543210\r\n\r\n"

// pair returns a handler of a static file of 1 KB, and one that has such an answer in memory.
func pair(b testing.TB) (files, stage http.Handler) {
	body := strings.Repeat("x", 1024)
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.html"), []byte(body), 0o644); err != nil {
		b.Fatal(err)
	}
	mounts := &static.Mounts{}
	mounts.Swap([]static.Mount{{URL: "/s", Dirs: []string{dir}}}, 0)
	b.Cleanup(mounts.Close)
	files = static.New(static.Options{Mounts: mounts, Cache: static.NewCache(1<<20, 64)})
	c := New(Options{Memory: 64 << 20, MaxObject: 1 << 20, Wait: patience, PassFor: time.Second})
	b.Cleanup(c.Close)
	stage = c.Stage(StageOptions{App: "shop", IgnoreQuery: []string{"utm_*", "gclid"}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "max-age=3600")
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("ETag", `"0123456789"`)
		h.Set("Vary", "Accept-Encoding")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write([]byte(body))
	}))
	return files, stage
}

// A hit of 1 KB beside a static file of that size, through the same server.
func BenchmarkHit(b *testing.B) {
	files, stage := pair(b)
	for _, k := range []struct {
		name string
		h    http.Handler
		path string
	}{{"static", files, "/s/a.html"}, {"cache", stage, "/shop?page=2"}} {
		b.Run(k.name, func(b *testing.B) {
			exchange := served(b, k.h, "GET "+k.path+" HTTP/1.1\r\n"+browser)
			exchange()
			b.ReportAllocs()
			for b.Loop() {
				exchange()
			}
		})
	}
}

// nowhere takes an answer as a connection does, and sends it nowhere.
type nowhere struct{ h http.Header }

func (n *nowhere) Header() http.Header             { return n.h }
func (n *nowhere) Write(p []byte) (int, error)     { return len(p), nil }
func (n *nowhere) WriteHeader(int)                 {}
func (n *nowhere) Phrase(string)                   {}
func (n *nowhere) Lines([]byte)                    {}
func (n *nowhere) Fields([]httpx.Field, int64)     {}
func (n *nowhere) EndAfter()                       {}
func (n *nowhere) OnDisconnect(httpx.Disconnecter) {}
func (n *nowhere) WaitContext() context.Context    { return context.Background() }

// What the stage itself costs, without a server.
func BenchmarkStage(b *testing.B) {
	files, stage := pair(b)
	for _, k := range []struct {
		name string
		h    http.Handler
		path string
	}{{"static", files, "/s/a.html"}, {"cache", stage, "/shop?page=2"}} {
		b.Run(k.name, func(b *testing.B) {
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + k.path + " HTTP/1.1\r\n" + browser)))
			if err != nil {
				b.Fatal(err)
			}
			r.RequestURI = k.path
			to := &nowhere{http.Header{}}
			rec := new(httpx.Writer)
			once := func() {
				clear(to.h)
				rec.Reset(to)
				rec.Over(to, to)
				k.h.ServeHTTP(rec, r)
			}
			once()
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
		})
	}
}
