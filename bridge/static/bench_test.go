package static

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// nothing takes an answer and keeps none of it.
type nothing struct{ h http.Header }

func (n *nothing) Header() http.Header         { return n.h }
func (n *nothing) Write(p []byte) (int, error) { return len(p), nil }
func (n *nothing) WriteHeader(int)             {}

// What this room adds to a request, beside the server: a file in memory, a 304, one of more files than memory holds.
func BenchmarkServe(b *testing.B) {
	for _, c := range []struct {
		name  string
		files int
		cache int64
		etag  bool
	}{{"memory", 1, 1 << 20, false}, {"304", 1, 1 << 20, true}, {"disk", 200, 100 << 10, false}} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			mounts := &Mounts{}
			mounts.Swap([]Mount{{URL: "/static", Dirs: []string{dir}, Siblings: true, Compress: true}}, 0)
			defer mounts.Close()
			h := New(Options{Mounts: mounts, Cache: NewCache(c.cache, 64), Types: httpx.TypeList{"text/*"}, Codings: codings})
			var requests []*http.Request
			for i := range c.files {
				writeFile(b, fmt.Sprintf("%s/dir/%d.bin", dir, i), strings.Repeat("x", 10<<10), old)
				requests = append(requests, httptest.NewRequest(http.MethodGet, fmt.Sprintf("/static/dir/%d.bin", i), nil))
			}
			w := new(httpx.Writer)
			out := &nothing{http.Header{}}
			if c.etag {
				w.Reset(out)
				h.ServeHTTP(w, requests[0])
				requests[0].Header["If-None-Match"] = out.h["ETag"]
			}
			conn := new(wire)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				clear(out.h)
				w.Reset(out)
				w.Over(conn, conn)
				h.ServeHTTP(w, requests[i%len(requests)])
			}
		})
	}
}
