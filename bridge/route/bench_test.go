package route

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// What finding a route costs: prefix and host, and each other kind of condition.
func BenchmarkRoutes(b *testing.B) {
	none := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, c := range []struct {
		name string
		list []Match
	}{
		{"one", []Match{{Path: "/legacy", Hosts: []string{"shop.example.org"}}}},
		{"five", []Match{{Path: "/a", Hosts: []string{"shop.example.org"}}, {Path: "/b", Hosts: []string{"shop.example.org"}}, {Path: "/c", Hosts: []string{"shop.example.org"}},
			{Path: "/d", Hosts: []string{"shop.example.org"}}, {Path: "/legacy", Hosts: []string{"shop.example.org"}}}},
		{"every kind", []Match{everything()}},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := stageOf(b, c.list, none)(none)
			w := &httpx.Writer{}
			w.Info.Scheme, w.Info.RemoteAddr = "https", "192.0.2.7"
			r := httptest.NewRequest("GET", "/legacy/x/y?a=1&b=2", nil)
			r.Host = "shop.example.org:8080"
			r.Header.Set("X-Beta", "1")
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
