package wsgi

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// The heads that are measured: a load generator's, and a browser's behind a proxy.
const (
	plainHead   = "GET /x HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"
	browserHead = "GET /shop/cart?item=17&n=2 HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\n" +
		"sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\n" +
		"Upgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nSec-Fetch-Site: same-origin\r\n" +
		"Sec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\nReferer: https://shop.example/\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: sessionid=0123456789abcdef; csrftoken=fedcba9876543210\r\n" +
		"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n"
	postHead = "POST /x HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 300\r\n\r\n"
)

// stub is a Pool of one worker that gives each request the same answer. Neither
// side of it allocates, so that what is counted is the handler's and the shim's.
type stub struct{ conn *shim.Conn }

func (s *stub) Admit() error { return nil }
func (s *stub) Acquire(_ context.Context, l shim.Label) (*shim.Exchange, error) {
	return s.conn.Open(l)
}
func (s *stub) Noise([]byte)                                     {}
func (s *stub) Hello(*wire.Hello)                                {}
func (s *stub) Ready(*wire.Ready)                                {}
func (s *stub) Failed(*wire.Failed)                              {}
func (s *stub) Log(*shim.Label, *wire.LogRecord)                 {}
func (s *stub) Stacks(string)                                    {}
func (s *stub) Stuck(int)                                        {}
func (s *stub) Debug(shim.Debugging, func(string, error)) func() { return func() {} }
func (s *stub) Purge(_ *wire.Purge, done func(int, error))       { done(0, nil) }
func (s *stub) Freed(*shim.Exchange, shim.Outcome)               {}
func (s *stub) Expired(*shim.Exchange, shim.Cause, string)       {}

func newStub(t testing.TB, h *wire.Head, body string) *stub {
	requests, in := net.Pipe()
	out, answers := net.Pipe()
	s := new(stub)
	s.conn = shim.NewConn("shop/1", shim.Ends{R: out, W: in}, s)
	frame := wire.AppendHead(nil, 0, h, []byte(body), true)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.conn.Run() })
	wg.Go(func() { // ends with the pipe
		r := bufio.NewReaderSize(requests, 64<<10)
		for {
			head, err := r.Peek(wire.HeaderSize)
			if err != nil {
				return
			}
			request := wire.Kind(head[1]) == wire.KindRequest
			copy(frame[4:8], head[4:8]) // the stream
			if _, err = r.Discard(wire.HeaderSize + int(binary.BigEndian.Uint32(head[8:]))); err != nil {
				return
			}
			if request {
				_, _ = answers.Write(frame)
			}
		}
	})
	t.Cleanup(func() {
		s.conn.Close()
		answers.Close()
		requests.Close()
		wg.Wait()
	})
	return s
}

// reused is a way in's ResponseWriter that is used again and again.
type reused struct{ h http.Header }

func (w reused) Header() http.Header             { return w.h }
func (w reused) Write(p []byte) (int, error)     { return len(p), nil }
func (w reused) WriteHeader(int)                 {}
func (w reused) FlushError() error               { return nil }
func (w reused) WaitContext() context.Context    { return context.Background() }
func (w reused) EndAfter()                       {}
func (w reused) OnDisconnect(httpx.Disconnecter) {}
func (w reused) Phrase(string)                   {}
func (w reused) Lines([]byte)                    {}
func (w reused) Fields([]httpx.Field, int64)     {}
func (w reused) SetReadDeadline(time.Time) error { return nil }

// again returns a function that has the same request served again and again.
func again(t testing.TB, head string) func() {
	s := newStub(t, &wire.Head{Status: "200 OK", Length: -1, Fields: []wire.Field{{Name: "Content-Type", Value: "text/html; charset=utf-8"}, {Name: "Content-Length", Value: "5"}}}, "hello")
	h := New(Options{App: "shop", Pool: s, Timeout: 30 * time.Second, MaxBody: 1 << 20, BodyPace: httpx.Pace{Silence: 30 * time.Second, Rate: 500}})
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r = r.WithContext(ctx)
	body := strings.NewReader(strings.Repeat("x", int(r.ContentLength)))
	if r.ContentLength > 0 {
		r.Body = io.NopCloser(body)
	}
	w := reused{http.Header{}}
	rec := new(httpx.Writer)
	return func() {
		clear(w.h)
		body.Seek(0, io.SeekStart)
		rec.Reset(w)
		rec.Over(w, w)
		rec.Info.ID, rec.Info.Scheme, rec.Info.Start = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "http", time.Now()
		rec.Info.RemoteAddr, rec.Info.RemotePort = "127.0.0.1", "40000"
		h.ServeHTTP(rec, r)
		if rec.Status() != 200 || rec.Bytes() != 5 {
			t.Fatal(rec.Status(), rec.Bytes())
		}
	}
}

func BenchmarkHandler(b *testing.B) {
	for _, c := range []struct{ name, head string }{{"plain", plainHead}, {"browser", browserHead}, {"post", postHead}} {
		b.Run(c.name, func(b *testing.B) {
			one := again(b, c.head)
			b.ReportAllocs()
			for b.Loop() {
				one()
			}
		})
	}
}

// What one request allocates in bridge and shim together: the bound is what it is
// now, so that a further one shows.
func TestAllocationsPerRequest(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP[race]: the race detector allocates; make test runs this one without it, too")
	}
	for _, c := range []struct {
		name, head string
		most       float64
	}{{"plain", plainHead, 5}, {"browser", browserHead, 5}, {"post", postHead, 7}} {
		one := again(t, c.head)
		n := math.Inf(1)
		for range 8 { // collections that empty the pools only add
			n = min(n, testing.AllocsPerRun(500, one))
		}
		if n > c.most {
			t.Errorf("%s: %v allocations, at most %v", c.name, n, c.most)
		} else {
			t.Logf("%s: %v allocations", c.name, n)
		}
	}
}
