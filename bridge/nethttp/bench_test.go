package server

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// reused is a ResponseWriter that is used again and again, as far as net/http does
// that.
type reused struct{ h http.Header }

func (w reused) Header() http.Header         { return w.h }
func (w reused) Write(p []byte) (int, error) { return len(p), nil }
func (w reused) WriteHeader(int)             {}

type farEnd struct{ net.Conn }

func (farEnd) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8000} }
func (farEnd) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 40000} }

// What a request costs in the chain: the heads are a load generator's, a browser's,
// and a browser's behind a trusted proxy.
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
			format AccessFormat
		}{{"combined", Combined}, {"json", JSON}} {
			b.Run(c.name+"/"+f.name, func(b *testing.B) {
				access, err := NewAccessLog(func() (io.WriteCloser, error) { return discard{}, nil }, f.format, nil)
				if err != nil {
					b.Fatal(err)
				}
				defer access.Close()
				trust, err := ParseTrust([]string{"192.0.2.7"})
				if err != nil {
					b.Fatal(err)
				}
				chain := NewChain(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					n := httpx.Of(w)
					n.App, n.Worker, n.Source, n.Wait, n.Run = "shop", "shop/1", "app", 10*time.Microsecond, 300*time.Microsecond
					_, _ = io.WriteString(w, "hello")
				}), ChainOptions{Access: access, Trust: trust, ServerHeader: "standpipe", MaxBody: 1 << 20, MaxTarget: 8000})
				ctx := context.WithValue(context.Background(), http.LocalAddrContextKey, farEnd{}.LocalAddr())
				ctx, cancel := context.WithCancel(connContext(ctx, New(nil, Options{}).newConn(farEnd{}))) // as net/http makes them
				defer cancel()
				ctx, cancel = context.WithCancel(ctx)
				defer cancel()
				r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(c.head + "\r\n")))
				if err != nil {
					b.Fatal(err)
				}
				r = r.WithContext(ctx)
				r.RemoteAddr = "192.0.2.7:40000"
				w := reused{http.Header{}}
				host := r.Host
				b.ReportAllocs()
				for b.Loop() {
					clear(w.h)
					delete(r.Header, "X-Request-Id")
					r.Host = host
					chain.ServeHTTP(w, r)
				}
			})
		}
	}
}

// What a request costs from socket to socket, the client's side of it too: net/http, the connection and the chain. Use -cpu 1.
func BenchmarkLoopback(b *testing.B) {
	for _, size := range []int{100, 6000, 30000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			body, length, kind := make([]byte, size), []string{strconv.Itoa(size)}, []string{"text/plain"}
			s := New(NewChain(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				h := w.Header()
				h["Content-Length"], h["Content-Type"] = length, kind
				_, _ = w.Write(body)
			}), ChainOptions{ServerHeader: "standpipe"}), Options{ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second})
			done := make(chan error, 1)
			go func() { done <- s.Serve(ln) }()
			defer func() { s.Close(); <-done }()
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
