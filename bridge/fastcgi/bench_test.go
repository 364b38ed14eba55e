package fastcgi

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/shim/wire"
)

// BenchmarkRoundTrip is a small response over a connection of its own, the server's side included.
func BenchmarkRoundTrip(b *testing.B) {
	ln, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p, answer := make([]byte, 4096), []byte(ok("X-Powered-By: PHP/8.2.36\r\nContent-type: text/html; charset=UTF-8", "hello"))
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(p)
			_, _ = c.Write(answer)
			_, _ = c.Read(p)
			c.Close()
		}
	}()
	tr := NewTransport(upstream.Dialer{Network: "unix", Address: ln.Addr().String(), Timeouts: usual}, Options{Params: []wire.Var{{Name: "APP_ENV", Value: "x"}}})
	r := &http.Request{Method: "GET", Host: "shop.example.org", RequestURI: "/hello.php", URL: &url.URL{Path: "/hello.php"}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": {"a"}, "Accept": {"*/*"}, "Cookie": {"a=b"}}}
	ctx := cgi.WithInfo(b.Context(), &cgi.Info{Scheme: "http", RemoteAddr: "192.0.2.1", RemotePort: "7", ServerName: "127.0.0.1", ServerPort: "80", ID: "x"})
	r = r.WithContext(WithScript(ctx, &Script{Path: "/hello.php", File: "/srv/hello.php", Root: "/srv"}))
	b.ReportAllocs()
	for b.Loop() {
		resp, err := tr.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != 5 || err != nil {
			b.Fatal(n, err)
		}
		resp.Body.Close()
	}
	b.StopTimer()
	ln.Close()
	<-done
}
