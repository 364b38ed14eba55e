package nethttp

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/listen"
)

// What a request costs from socket to socket, the client's side of it too: net/http, the connection and the chain. Use -cpu 1.
func BenchmarkLoopback(b *testing.B) {
	for _, size := range []int{100, 6000, 30000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			body, length, kind := make([]byte, size), []string{strconv.Itoa(size)}, []string{"text/plain"}
			h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				h := w.Header()
				h["Content-Length"], h["Content-Type"] = length, kind
				_, _ = w.Write(body)
			}))
			h = chain.Panics(chain.PanicsOptions{})(chain.ID(false)(chain.ServerField("standpipe")(chain.Path()(chain.Limits(chain.LimitsOptions{})(h)))))
			g, ended := serve(b, ln, h, Options{ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second}, listen.Options{})
			defer func() { g.Close(); ended() }()
			c, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			request := []byte("GET /x HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n")
			buf := make([]byte, 64<<10)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(request); err != nil {
					b.Fatal(err)
				}
				for got, all := 0, -1; got != all; {
					n, err := c.Read(buf[got:])
					if err != nil {
						b.Fatal(err)
					}
					got += n
					if all < 0 {
						if end := bytes.Index(buf[:got], []byte("\r\n\r\n")); end >= 0 {
							all = end + 4 + size
						}
					}
				}
			}
		})
	}
}
