package integration

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// steady is a copy of the app of that name, which the test may change.
func steady(t testing.TB) string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"app.py", "version.py"} {
		b, err := os.ReadFile(filepath.Join(appDir(t, "steady"), name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	return project(t, files)
}

// load is a mix of requests at a steady rate, from clients that repeat nothing: each connect, send, receive, status and
// body that is not as it should be counts.
type load struct {
	s       *server
	rate    int // requests a second
	clients int
	posts   float64 // the share of POSTs; the rest is GETs, some of them streams

	mu     sync.Mutex
	sent   int
	failed []failure
	posted []string // ids
	stopc  chan struct{}
	wg     sync.WaitGroup
}

type failure struct{ id, what, why string }

func (f failure) String() string { return f.id + " " + f.what + ": " + f.why }

// begin starts the clients.
func (l *load) begin() {
	l.stopc = make(chan struct{})
	if l.clients == 0 {
		l.clients = 16
	}
	for i := range l.clients {
		l.wg.Go(func() { l.client(i) })
	}
}

// count is how many requests have had their answer, or have failed.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// end stops them and waits.
func (l *load) end() (sent int, failed []failure) {
	close(l.stopc)
	l.wg.Wait()
	return l.sent, l.failed
}

func (l *load) client(number int) {
	tick := time.NewTicker(time.Second * time.Duration(l.clients) / time.Duration(l.rate))
	defer tick.Stop()
	rnd := rand.New(rand.NewPCG(uint64(number), 1))
	var kept *link // a connection between two requests
	defer func() { kept.close() }()
	for n := 0; ; n++ {
		select {
		case <-l.stopc:
			return
		case <-tick.C:
		}
		id := fmt.Sprintf("c%d-%d", number, n)
		method, path, body, want := "GET", "/echo", "", id+" v"
		switch x := rnd.Float64(); {
		case x < l.posts:
			method, body = "POST", "body of "+id
			want = id + " " + body
		case x > 0.9:
			path, want = "/stream", id+" 0\n"+id+" 1\n"+id+" 2\n"+id+" 3\n"+id+" 4\n"
		}
		keep := rnd.IntN(3) > 0
		err := func() error {
			if kept == nil {
				var err error
				if kept, err = l.s.link(); err != nil {
					return err
				}
			}
			return kept.ask(method, path+"?"+id, id, body, want, keep)
		}()
		if err != nil || !keep || kept.over {
			kept.close()
			kept = nil
		}
		l.mu.Lock()
		l.sent++
		if method == "POST" {
			l.posted = append(l.posted, id)
		}
		if err != nil {
			l.failed = append(l.failed, failure{id, method + " " + path, err.Error()})
		}
		l.mu.Unlock()
	}
}

// link is one raw connection.
type link struct {
	net.Conn
	r    *bufio.Reader
	over bool // the server said that it closes it
}

func (k *link) close() {
	if k != nil {
		k.Conn.Close()
	}
}

// ask sends one request and reads its answer; want is what the body has to begin with.
func (k *link) ask(method, target, id, body, want string, keep bool) error {
	_ = k.SetDeadline(time.Now().Add(patience))
	request := method + " " + target + " HTTP/1.1\r\nHost: load\r\nX-Request-ID: " + id + "\r\n"
	if !keep {
		request += "Connection: close\r\n"
	}
	if method == "POST" {
		request += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := io.WriteString(k, request+"\r\n"+body); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	res, err := http.ReadResponse(k.r, &http.Request{Method: method})
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	k.over = res.Close
	switch {
	case err != nil:
		return fmt.Errorf("receive the body: %w", err)
	case res.StatusCode != 200:
		return fmt.Errorf("status %d: %.100q", res.StatusCode, got)
	case !strings.HasPrefix(string(got), want) || method == "POST" && string(got) != want:
		return fmt.Errorf("body %.100q, want %.100q", got, want)
	}
	return nil
}

// readHead reads the head of an answer.
func readHead(t testing.TB, r *bufio.Reader) string {
	t.Helper()
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		head.WriteString(line)
		if err != nil {
			t.Fatalf("%v within the head %q", err, head.String())
		}
		if line == "\r\n" {
			return head.String()
		}
	}
}

func (s *server) link() (*link, error) {
	c, err := s.dial()
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &link{Conn: c, r: bufio.NewReader(c)}, nil
}
