package integration

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// abandonCounts are how many connections are reset, how many requests are aborted and how many clients are slow:
// `make soak` sets STANDPIPE_SOAK for what a release is tried with, at the same rates.
func abandonCounts() (resets, aborts, slow int) {
	if os.Getenv("STANDPIPE_SOAK") != "" {
		return 100_000, 20_000, 5_000
	}
	return 5_000, 1_000, 300
}

const sizeApp = `
import time


def app(environ, start_response):
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/slow":
        time.sleep(0.2)
    answer = b"%d" % len(body) + b" " * (200_000 if environ["PATH_INFO"] == "/large" else 0)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]
`

// paced runs n operations at a rate, on several goroutines, and waits for them.
func paced(n, rate, goroutines int, op func(r *rand.Rand, i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for g := range goroutines {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 7))
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate)))) // the rate of the load
				op(r, i)
			}
		})
	}
	all.Wait()
}

// Connections that are reset, requests that are aborted at any point, and clients that are slow with heads and bodies leave
// nothing behind, and a client that behaves is answered meanwhile. The log has its p99, which on a quiet machine of two cores
// is below 50 ms, the load's own processor time included.
func TestSoakAbandonedConnections(t *testing.T) {
	resets, aborts, slow := abandonCounts()
	dir := project(t, map[string]string{"app.py": sizeApp})
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "2", "--access-log", "off", "--header-timeout", "5s", "--body-timeout", "5s", "--max-connections", "8000"}})
	dial := func() *net.TCPConn {
		c, err := s.dial()
		if err != nil {
			t.Error(err)
			return nil
		}
		_ = c.SetDeadline(time.Now().Add(bootPatience))
		return c.(*net.TCPConn)
	}
	goroutines := func() int { return int(s.metrics("unix", s.controlSocket())["go_goroutines{}"]) }
	load := func(resets, aborts, slow int) {
		var all sync.WaitGroup
		all.Go(func() { paced(resets, 2000, 8, func(r *rand.Rand, i int) { reset(dial(), r, i) }) })
		all.Go(func() { paced(aborts, 400, 8, func(r *rand.Rand, i int) { abort(dial(), r, i) }) })
		all.Go(func() { slowClients(t, dial, slow) })
		all.Wait()
	}
	load(500, 200, 100)  // what is made once: threads, pools, buffers of the workers
	s.want(200, "/slow") // the watch for clients that disconnect begins with the first request that lasts
	eventually(t, "the connections of the first load have ended", func() bool { return established(t, s.Addr) == 0 })
	fds, began, memory := openFiles(s.Pid), goroutines(), rssOf(s.Pid)

	defer func() {
		t.Logf("before: %d descriptors, %d goroutines, %d MiB; after: %d, %d, %d MiB", fds, began, memory>>20, openFiles(s.Pid), goroutines(), rssOf(s.Pid)>>20)
	}()
	stop, times := make(chan struct{}), make(chan []time.Duration, 1)
	go func() { times <- probe(t, dial, stop) }()
	start := time.Now()
	load(resets, aborts, slow)
	took := time.Since(start)
	close(stop)
	latencies := <-times
	if len(latencies) == 0 {
		t.Fatal("no request was answered meanwhile")
	}
	slices.Sort(latencies)
	p99 := latencies[len(latencies)*99/100]
	t.Logf("%d resets, %d aborted requests, %d slow clients in %v; %d requests meanwhile: p50 %v, p99 %v, longest %v",
		resets, aborts, slow, took.Round(time.Second), len(latencies), latencies[len(latencies)/2], p99, latencies[len(latencies)-1])
	within(t, bootPatience, fmt.Sprintf("%d descriptors and %d goroutines again", fds, began), func() bool {
		return openFiles(s.Pid) <= fds && goroutines() <= began+2
	})
	const most = 32 << 20 // the runtime collects an idle heap every two minutes, and returns its memory slowly
	within(t, 2*bootPatience, "the memory is back", func() bool { return rssOf(s.Pid) <= memory+most })
	for _, r := range s.log() {
		if e := r.event(); e == "panic" || e == "worker_exit" || e == "request_failed" {
			t.Errorf("%v", r)
		}
	}
	s.want(200, "/")
}

// reset opens a connection, sends nothing, a part of a head, or a request, and resets it.
func reset(c *net.TCPConn, r *rand.Rand, i int) {
	if c == nil {
		return
	}
	const request = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
	switch i % 4 {
	case 1:
		_, _ = io.WriteString(c, request[:1+r.IntN(len(request)-1)])
	case 2:
		if i%40 == 2 {
			_, _ = io.WriteString(c, request)
		}
	}
	_ = c.SetLinger(0)
	c.Close()
}

// abort sends a request, or a part of it, takes a part of the answer or none, and closes or resets the connection.
func abort(c *net.TCPConn, r *rand.Rand, i int) {
	if c == nil {
		return
	}
	defer c.Close()
	body := strings.Repeat("0123456789", r.IntN(2000))
	request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if i%3 == 0 {
		request = fmt.Sprintf("POST /large HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x;a=b\r\n%s0\r\n\r\n", len(body)+1, body+"x\r\n")
	}
	cut := len(request)
	if i%5 != 0 {
		cut = r.IntN(len(request))
	}
	_, _ = io.WriteString(c, request[:cut])
	if cut == len(request) {
		_, _ = c.Read(make([]byte, 1+r.IntN(300)))
	}
	if i%2 == 0 {
		_ = c.SetLinger(0)
	}
}

// slowClients sends n heads and bodies, a byte a second each, until the server ends every connection.
func slowClients(t *testing.T, dial func() *net.TCPConn, n int) {
	const bodies = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
	var all sync.WaitGroup
	var refused atomic.Int64
	paced(n, 500, 4, func(_ *rand.Rand, i int) {
		c := dial()
		if c == nil {
			return
		}
		if i%2 == 0 {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
		} else {
			_, _ = io.WriteString(c, bodies)
		}
		all.Go(func() {
			defer c.Close()
			ended := make(chan struct{})
			var writer sync.WaitGroup
			writer.Go(func() {
				tick := time.NewTicker(time.Second)
				defer tick.Stop()
				for {
					select {
					case <-tick.C:
						_, _ = c.Write([]byte("x"))
					case <-ended:
						return
					}
				}
			})
			answer, err := io.ReadAll(c) // a reset is an end too, and loses the answer now and then
			if strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
				refused.Add(1)
			} else if len(answer) > 0 || os.IsTimeout(err) {
				t.Errorf("a slow client got %.60q, %v", answer, err)
			}
			close(ended)
			writer.Wait()
		})
	})
	all.Wait()
	if got := int(refused.Load()); got < n*9/10 {
		t.Errorf("%d of %d slow clients were told 408", got, n)
	}
}

// probe sends a GET on a kept connection, 100 times a second, until stop is closed.
func probe(t *testing.T, dial func() *net.TCPConn, stop <-chan struct{}) (list []time.Duration) {
	c := dial()
	if c == nil {
		return nil
	}
	defer c.Close()
	r := bufio.NewReader(c)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return list
		case <-tick.C:
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		began := time.Now()
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
		}
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("a normal request: %v, %v", resp, err)
			return list
		}
		list = append(list, time.Since(began))
	}
}

// established counts the server's connections of addr that are not closed.
func established(t *testing.T, addr string) (n int) {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	var number int
	_, _ = fmt.Sscan(port, &number)
	local := fmt.Sprintf(":%04X", number)
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) > 3 && strings.HasSuffix(f[1], local) && f[3] == "01" {
			n++
		}
	}
	return n
}
