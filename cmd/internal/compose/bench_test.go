package compose

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/accesslog"
	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
)

// reused is a ResponseWriter that is used again and again, as far as net/http does that.
type reused struct{ h http.Header }

func (w reused) Header() http.Header         { return w.h }
func (w reused) Write(p []byte) (int, error) { return len(p), nil }
func (w reused) WriteHeader(int)             {}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// What a request costs in the stages of a site: the heads are a load generator's, a
// browser's, and a browser's behind a trusted proxy.
func BenchmarkChain(b *testing.B) {
	browser := "GET /shop/cart?item=17&n=2 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n" +
		"Referer: https://shop.example/\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: sessionid=0123456789abcdef\r\n"
	for _, c := range []struct{ name, head string }{
		{"plain", "GET /x HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"},
		{"browser", browser},
		{"proxied", browser + "X-Forwarded-For: 198.51.100.4\r\nX-Forwarded-Proto: https\r\n"},
	} {
		for _, f := range []struct {
			name   string
			format accesslog.Format
		}{{"combined", accesslog.Combined}, {"json", accesslog.JSON}} {
			b.Run(c.name+"/"+f.name, func(b *testing.B) {
				access, err := accesslog.New(func() (io.WriteCloser, error) { return discard{}, nil }, f.format, nil)
				if err != nil {
					b.Fatal(err)
				}
				defer access.Close()
				cfg := &config.Config{}
				cfg.Trust.Proxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}
				cfg.Trust.Fields = []string{"for", "proto"}
				cfg.Responses.ServerHeader, cfg.Responses.HealthPath, cfg.Limits.MaxBody = "standpipe", "/", 1<<20
				log := silentLog()
				p := &parts{log: log, observers: []chain.Observer{access.Request}, static: staticfiles.New(cfg, log, false), stop: newStop()}
				p.health = newHealth(log, nil, p.stop)
				stages, err := (&site{cfg: cfg}).stages(p, nil, nil)
				if err != nil {
					b.Fatal(err)
				}
				h := wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					n := httpx.Of(w)
					n.App, n.Worker, n.Source, n.Wait, n.Run = "shop", "shop/1", "app", 10*time.Microsecond, 300*time.Microsecond
					_, _ = io.WriteString(w, "hello")
				}), stages)
				r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(c.head + "\r\n")))
				if err != nil {
					b.Fatal(err)
				}
				ends := httpx.EndsOf("192.0.2.7:40000", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8000})
				w, rec, host := reused{http.Header{}}, new(httpx.Writer), r.Host
				b.ReportAllocs()
				for b.Loop() {
					clear(w.h)
					delete(r.Header, "X-Request-Id")
					r.Host = host
					rec.Reset(w)
					rec.Info.Met(time.Now(), &ends)
					h.ServeHTTP(rec, r)
				}
			})
		}
	}
}
