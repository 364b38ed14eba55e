package http1

import (
	"bytes"
	"context"
	"math"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/listen"
)

// The requests that are measured: a load generator's, a browser's behind a proxy, and a form.
var measured = []struct {
	name, request string
	allocs        float64 // at most
}{
	{"plain", requestOf("GET /x HTTP/1.1"), 1},
	{"browser", "GET /shop/cart?item=17&n=2 HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\n" +
		"sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\n" +
		"Upgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nReferer: https://shop.example/\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: sessionid=0123456789abcdef; csrftoken=fedcba9876543210\r\n" +
		"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n", 1},
	{"post", requestOf("POST /x HTTP/1.1", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 300") + strings.Repeat("x", 300), 2},
}

var hello = []byte("hello, world\n")

var helloLength, helloType = []string{"13"}, []string{"text/plain"}

// sayHello answers with 13 bytes. It allocates nothing.
func sayHello(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength > 0 {
		buf := drainBuffers.Get().(*[8 << 10]byte)
		for {
			if _, err := r.Body.Read(buf[:]); err != nil {
				break
			}
		}
		drainBuffers.Put(buf)
	}
	h := w.Header()
	h["Content-Length"], h["Content-Type"] = helloLength, helloType
	_, _ = w.Write(hello)
}

// exchanges returns a function that sends a request and reads its answer, which ends with
// hello, on a kept connection.
func exchanges(t testing.TB, request string) func() {
	g := newRig(t, Options{HeaderTimeout: patience, IdleTimeout: patience}, sayHello)
	p := g.dial()
	bytesOut, buf := []byte(request), make([]byte, 4096)
	return func() {
		if _, err := p.Write(bytesOut); err != nil {
			t.Fatal(err)
		}
		readHello(t, p.Conn, buf)
	}
}

func readHello(t testing.TB, c net.Conn, buf []byte) {
	for n := 0; !bytes.HasSuffix(buf[:n], hello); {
		m, err := c.Read(buf[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
}

// What a request costs from socket to socket, the client's side of it too.
func BenchmarkServe(b *testing.B) {
	for _, c := range measured {
		b.Run(c.name, func(b *testing.B) {
			one := exchanges(b, c.request)
			b.ReportAllocs()
			for b.Loop() {
				one()
			}
		})
	}
}

// What one request allocates: the bounds are what it is now, so that a further one shows.
func TestAllocationsPerRequest(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP[race]: the race detector allocates; make test runs this one without it, too")
	}
	for _, c := range measured {
		one := exchanges(t, c.request)
		n := math.Inf(1)
		for range 8 { // collections that empty the pools only add
			n = min(n, testing.AllocsPerRun(500, one))
		}
		if n > c.allocs {
			t.Errorf("%s: %v allocations, at most %v", c.name, n, c.allocs)
		} else {
			t.Logf("%s: %v allocations", c.name, n)
		}
	}
}

// idleMemory is what a kept connection between two requests costs: bytes of heap and of
// stacks, with about 700 bytes of the client's own.
func idleMemory(t testing.TB, count int) (heap, stack float64) {
	ln, err := listen.Listen(context.Background(), listen.Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	g, s, served := listen.NewGroup(listen.Options{}), New(http.HandlerFunc(sayHello), Options{HeaderTimeout: patience, IdleTimeout: patience}), make(chan error, 1)
	buf, request := make([]byte, 4096), []byte(measured[0].request)
	clients := make([]net.Conn, count)
	before := memory()
	defer func() {
		for _, c := range clients {
			if c != nil {
				c.Close()
			}
		}
		if g.Close() != nil || <-served != nil {
			t.Error("Close failed")
		}
	}()
	go func() { served <- g.Serve(ln, s) }()
	for i := range clients {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		clients[i] = c
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		readHello(t, c, buf)
	}
	per := func(before, after uint64) float64 { return (float64(after) - float64(before)) / float64(count) }
	for end := time.Now().Add(patience); ; { // a connection is quiet for a while before it has a small stack
		time.Sleep(time.Second)
		after := memory()
		heap, stack = per(before.HeapAlloc, after.HeapAlloc), per(before.StackInuse, after.StackInuse)
		if heap+stack <= mostIdle || time.Now().After(end) {
			return heap, stack
		}
	}
}

// mostIdle is what an idle connection may cost: about twice what it does now; bytes.
const mostIdle = 12 << 10

func memory() (m runtime.MemStats) {
	for range 3 { // pools are emptied in two steps, and stacks shrink in a collection
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}

// BenchmarkIdle reports what an idle connection costs.
func BenchmarkIdle(b *testing.B) {
	var heap, stack float64
	for b.Loop() {
		heap, stack = idleMemory(b, 1000)
	}
	b.ReportMetric(heap, "heap-B/conn")
	b.ReportMetric(stack, "stack-B/conn")
	b.ReportMetric(0, "ns/op")
}

// An idle connection holds no buffer.
func TestIdleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP[race]: the race detector allocates; make test runs this one without it, too")
	}
	heap, stack := idleMemory(t, 1000)
	t.Logf("%.0f bytes of heap, %.0f of stack", heap, stack)
	if heap+stack > mostIdle {
		t.Errorf("%.0f bytes of heap and %.0f of stack", heap, stack)
	}
}
