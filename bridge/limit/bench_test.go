package limit

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// BenchmarkStage is a request of one of a million clients through the stage: 0 allocations.
func BenchmarkStage(b *testing.B) {
	for name, key := range map[string][]string{"client": {"client"}, "cookie": {"cookie:session"}} {
		b.Run(name, func(b *testing.B) {
			h := New(Options{Name: "api", State: NewState(1_000_000), Key: keyOf(b, key...), IPv6Prefix: 64, Rate: Rate{Count: 1, Per: time.Second, Burst: 1 << 30}, Status: 429})(
				http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			ask := func(rec *httpx.Writer, r *http.Request, n uint32) {
				rec.Info.Peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 1)
				h.ServeHTTP(rec, r)
			}
			request := func() (*httpx.Writer, *http.Request) {
				rec := new(httpx.Writer)
				rec.Reset(httptest.NewRecorder())
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("Cookie", "theme=dark; session=0123456789abcdef")
				return rec, r
			}
			rec, r := request()
			for n := range uint32(1_000_000) {
				ask(rec, r, n)
			}
			b.ResetTimer()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				rec, r := request()
				random := rand.New(rand.NewPCG(rand.Uint64(), 1))
				for pb.Next() {
					ask(rec, r, random.Uint32()%1_000_000)
				}
			})
		})
	}
}

// BenchmarkRefuse is a refused request of one client.
func BenchmarkRefuse(b *testing.B) {
	h := New(Options{Name: "api", State: NewState(1000), Key: keyOf(b, "client"), IPv6Prefix: 64, Rate: Rate{Count: 1, Per: 24 * time.Hour}, Status: 429})(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	rec, out := new(httpx.Writer), httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		out.Body.Reset()
		rec.Reset(out)
		rec.Info.Peer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), 1)
		rec.Info.ID = "01M8M14BBC1YVX80V3KKHA3WSH"
		h.ServeHTTP(rec, r)
	}
}
