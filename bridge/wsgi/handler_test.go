package wsgi

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

func hello(r *shimtest.Request, p *shimtest.Peer) {
	body := r.ReadAll()
	_ = p.Answer(r.Stream, "200 OK", fmt.Sprintf("%s %s %d %s", r.Vars["REQUEST_METHOD"], r.Vars["PATH_INFO"], len(body), r.Vars["CONTENT_LENGTH"]), "Content-Type", "text/plain")
}

func TestPlainRequest(t *testing.T) {
	g := newRig(t, hello, nil)
	a := g.get("/x")
	if a.status != 200 || a.body != "GET /x 0 " || a.header.Get("Content-Length") != "9" || a.header.Get("Server") != "standpipe" || a.header.Get("Date") == "" {
		t.Errorf("%s%s", a.head, a.body)
	}
	s := g.seen()
	if s.info.App != "shop" || s.info.Worker != "shop/1" || s.info.Source != "app" || s.status != 200 || s.bytes != 9 || s.info.Run <= 0 {
		t.Errorf("%+v", s)
	}
	if o := <-g.pool.freed; o != shim.Clean {
		t.Error(o)
	}
	if l := g.pool.labels[0]; l.ID != "REQ1" || l.Method != "GET" || l.Target != "/x" || l.Attempt != 1 || l.Start.IsZero() {
		t.Errorf("%+v", l)
	}
}

func TestBodies(t *testing.T) {
	g := newRig(t, hello, func(o *Options) { o.Spool.Memory = 100_000 })
	for _, size := range []int{0, 1, wire.MaxInline, wire.MaxInline + 1, 99_999, 100_001, 600_000} {
		body := strings.Repeat("x", size)
		a := g.raw("POST", fmt.Sprintf("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", size, body))
		if want := fmt.Sprintf("POST /p %d %d", size, size); a.body != want {
			t.Errorf("length %d: %q", size, a.body)
		}
		a = g.raw("POST", fmt.Sprintf("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%s0\r\nX-Trailer: t\r\n\r\n", chunked(body)))
		if want := fmt.Sprintf("POST /p %d %d", size, size); a.body != want {
			t.Errorf("chunked %d: %q", size, a.body)
		}
	}
	g.until("the spool to be empty", func() bool { return len(g.done) == 14 })
}

func chunked(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("%x\r\n%s\r\n", len(s), s)
}

func TestClientLeavesWithinItsBody(t *testing.T) {
	g := newRig(t, hello, nil)
	c := g.dial()
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"); err != nil {
		t.Fatal(err)
	}
	g.until("the body to begin", func() bool { g.pool.mu.Lock(); defer g.pool.mu.Unlock(); return g.pool.admits == 1 })
	c.Close()
	if s := g.seen(); s.info.Status != 499 || s.status != 0 || len(g.pool.labels) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestClientLeavesInTheQueue(t *testing.T) {
	g := newRig(t, func(*shimtest.Request, *shimtest.Peer) { t.Error("the app saw the request") }, nil)
	g.pool.gate = make(chan struct{})
	c := g.dial()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	g.until("the request to wait", func() bool { g.pool.mu.Lock(); defer g.pool.mu.Unlock(); return len(g.pool.labels) == 1 })
	disconnect(c)
	if s := g.seen(); s.info.Status != 499 || s.status != 0 || !s.abort {
		t.Errorf("%+v", s)
	}
}

func TestExpectContinue(t *testing.T) {
	g := newRig(t, hello, func(o *Options) { o.MaxBody = 1000 })
	head := "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"

	c := g.dial()
	_, _ = io.WriteString(c, head)
	br := bufio.NewReader(c)
	if line, err := br.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" || err != nil {
		t.Fatalf("%q %v", line, err)
	}
	_, _ = br.ReadString('\n')
	_, _ = io.WriteString(c, "abc")
	if a := g.read("POST", br); a.body != "POST / 3 3" {
		t.Errorf("%s%s", a.head, a.body)
	}

	g.pool.mu.Lock()
	g.pool.refuse = &shim.QueueFull{Oldest: 2500 * time.Millisecond}
	g.pool.mu.Unlock()
	if a := g.raw("POST", head); a.status != 503 || a.header.Get("Retry-After") != "3" { // the first line is the final one
		t.Errorf("%s%s", a.head, a.body)
	}
	if a := g.raw("POST", strings.Replace(head, ": 3", ": 3000", 1)); a.status != 413 {
		t.Errorf("%s%s", a.head, a.body)
	}
}

func TestRefusals(t *testing.T) {
	g := newRig(t, hello, nil)
	for err, want := range map[error]string{
		fmt.Errorf("shop: %w", &shim.QueueFull{Oldest: time.Minute}): " 10 ",
		fmt.Errorf("shop: %w", shim.ErrQueueFull):                    " 2 ",
		shim.ErrQueueTimeout:                                         "",
		shim.ErrNoWorkers:                                            "",
		shim.ErrStopping:                                             "",
	} {
		g.pool.refuse = err
		for _, r := range []string{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"} {
			a := g.raw("GET", r)
			if a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, want) || !strings.Contains(a.body, "REQ1") {
				t.Errorf("%v: %s%s", err, a.head, a.body)
			}
			if s := g.seen(); s.info.Source != "server" || s.status != 503 {
				t.Errorf("%+v", s)
			}
		}
	}
}

func TestWorkerLeftBeforeTheRequest(t *testing.T) {
	g := newRig(t, hello, nil)
	g.pool.lose = 2
	if a := g.raw("POST", "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"); a.body != "POST /p 3 3" {
		t.Errorf("%s%s", a.head, a.body)
	}
	if n := len(g.pool.labels); n != 3 || g.pool.labels[2].Attempt != 3 {
		t.Errorf("%+v", g.pool.labels)
	}
	g.pool.lose = 100
	if a := g.get("/"); a.status != 503 || len(g.pool.labels) != 6 {
		t.Errorf("%s after %d tries", a.head, len(g.pool.labels)-3)
	}
}

func TestAppErrors(t *testing.T) {
	boom := map[string]any{"type": "ValueError", "message": "no", "file": "/srv/shop/views.py", "line": 88, "function": "f", "text": "raise", "traceback": "Traceback...\nValueError: no"}
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		switch r.Vars["PATH_INFO"] {
		case "/before":
			_ = p.Message(wire.KindError, r.Stream, boom)
		case "/head": // the head came, no byte of a body
			_ = p.Head(r.Stream, "200 OK", "", false, "X-A", "1")
			_ = p.Message(wire.KindError, r.Stream, boom)
		case "/after":
			_ = p.Head(r.Stream, "200 OK", "first", false)
			_ = p.Message(wire.KindError, r.Stream, boom)
		}
	}, nil)
	for i, path := range []string{"/before", "/head"} {
		a := g.get(path)
		if a.status != 500 || strings.Contains(a.body, "ValueError") || strings.Contains(a.body, "/srv") || !strings.Contains(a.body, "REQ1") || a.header.Get("X-A") != "" {
			t.Errorf("%s: %s%s", path, a.head, a.body)
		}
		if s := g.logs.String(); g.logs.count("app_error") != i+1 || !strings.Contains(s, `Traceback...\nValueError: no`) || !strings.Contains(s, `"target":"`+path) {
			t.Errorf("%s", s)
		}
		g.seen()
	}
	a := g.get("/after")
	if a.status != 200 || a.body != "first" || a.err != io.ErrUnexpectedEOF {
		t.Errorf("%s%q %v", a.head, a.body, a.err)
	}
	if s := g.seen(); !s.abort || s.status != 200 || g.logs.count("app_error") != 3 {
		t.Errorf("%+v", s)
	}
}

func TestWorkerDies(t *testing.T) {
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) { p.Close() }, nil)
	if a := g.get("/"); a.status != 502 || !strings.Contains(a.body, "REQ1") {
		t.Errorf("%s%s", a.head, a.body)
	}
	g = newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "first", false, "Content-Length", "100")
		p.Close()
	}, nil)
	if a := g.get("/"); a.status != 200 || a.body != "first" || a.err == nil {
		t.Errorf("%s%q %v", a.head, a.body, a.err)
	}
	if s := g.seen(); !s.abort {
		t.Errorf("%+v", s)
	}
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["PATH_INFO"] == "/head" {
			_ = p.Head(r.Stream, "200 OK", "", false)
		}
		<-release
	}, func(o *Options) { o.Timeout = 30 * time.Millisecond })
	defer close(release)
	for i, path := range []string{"/", "/head"} {
		if a := g.get(path); a.status != 504 || !strings.Contains(a.body, "REQ1") {
			t.Errorf("%s%s", a.head, a.body)
		}
		if s := g.seen(); s.abort || s.info.Worker != "shop/1" {
			t.Errorf("%+v", s)
		}
		if e := g.pool.expired; len(e) != i+1 || e[i] != "no answer within 30ms: answered 504" {
			t.Errorf("%q", e)
		}
	}
}

func TestTimeoutEndsWithTheFirstByte(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "a", false)
		<-release
		_ = p.Body(r.Stream, "b", true)
	}, func(o *Options) { o.Timeout = shortTimeout })
	c := g.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	time.AfterFunc(shortTimeout*3/2, func() { close(release) })
	if a := g.read("GET", bufio.NewReader(c)); a.body != "ab" || a.err != nil {
		t.Errorf("%s%s %v", a.head, a.body, a.err)
	}
}

func TestStreamTimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "a", false)
		_ = p.Body(r.Stream, "b", false)
		<-release
	}, func(o *Options) { o.StreamTimeout = shortTimeout })
	if a := g.get("/"); a.body != "ab" || a.err == nil {
		t.Errorf("%s%s %v", a.head, a.body, a.err)
	}
	g.seen()
	if e := g.pool.expired; len(e) != 1 || !strings.HasPrefix(e[0], "silent for") {
		t.Errorf("%q", e)
	}
}

func TestClientLeavesWithinTheAnswer(t *testing.T) {
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["PATH_INFO"] == "/stream" {
			_ = p.Head(r.Stream, "200 OK", "first", false)
		}
	}, nil)
	for _, c := range []struct {
		path   string
		status int
		logged int
	}{{"/silent", 0, 499}, {"/stream", 200, 0}} {
		conn := g.dial()
		_, _ = io.WriteString(conn, "GET "+c.path+" HTTP/1.1\r\nHost: h\r\n\r\n")
		if c.path == "/stream" {
			if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		} else {
			g.until("the request to be sent", func() bool { return len(g.pool.conn.InFlight()) == 1 && !g.pool.conn.InFlight()[0].Sent.IsZero() })
		}
		disconnect(conn)
		if s := g.seen(); s.status != c.status || s.info.Status != c.logged || !s.abort {
			t.Errorf("%s: %+v", c.path, s)
		}
		select {
		case <-g.pool.cancels:
		case <-time.After(2 * time.Minute):
			t.Fatal("the worker was not told")
		}
	}
	if s := g.logs.String(); s != "" {
		t.Errorf("a client that leaves is no error: %s", s)
	}
}

func TestWebsocketIsAnOrdinaryGet(t *testing.T) {
	g := newRig(t, hello, nil)
	for range 2 {
		a := g.raw("GET", "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
		if a.status != 200 || a.body != "GET /ws 0 " {
			t.Errorf("%s%s", a.head, a.body)
		}
	}
	if g.logs.count("websocket_ignored") != 1 {
		t.Errorf("%s", g.logs)
	}
}

// An app may answer without reading, or stream both ways: neither side waits for the other.
func TestLargeBothWays(t *testing.T) {
	const size = 1 << 20
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", "", false)
		switch r.Vars["PATH_INFO"] {
		case "/deaf": // reads nothing
			_ = p.Body(r.Stream, "bye", true)
		case "/duplex": // writes all it may before it reads
			for range wire.Window / 1024 {
				_ = p.Body(r.Stream, strings.Repeat("y", 1024), false)
			}
			n := len(r.ReadAll())
			_ = p.Body(r.Stream, fmt.Sprint(n), true)
		}
	}, func(o *Options) { o.MaxBody = 0 })
	g.pool.peer.NoFiles = true // the frames are what is tested
	body := strings.Repeat("x", size)
	for path, want := range map[string]string{"/deaf": "bye", "/duplex": strings.Repeat("y", wire.Window) + fmt.Sprint(size)} {
		a := g.raw("POST", fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", path, size, body))
		if a.body != want || a.err != nil {
			t.Errorf("%s: %s%d bytes, %v", path, a.head, len(a.body), a.err)
		}
	}
}

func TestSpoolIsGivenBack(t *testing.T) {
	s := &spool.Spool{Dir: t.TempDir(), Memory: 10, Files: spool.Budget{Total: 100}}
	g := newRig(t, hello, func(o *Options) { o.Spool = s })
	post := func(n int) answer {
		return g.raw("POST", fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", n, strings.Repeat("x", n)))
	}
	for range 3 {
		if a := post(90); a.status != 200 {
			t.Errorf("%s", a.head)
		}
		if a := post(200); a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("%s", a.head)
		}
		g.seen()
		g.seen()
		g.until("the spool to be empty", func() bool { return s.Used() == 0 })
	}
}

// on_disconnect: only with cancel is the app's work given up, and the deadline
// goes with the request.
func TestDisconnect(t *testing.T) {
	for _, cancel := range []bool{false, true} {
		started := make(chan string, 1)
		release := make(chan struct{})
		g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
			started <- r.Vars["standpipe.timeout_ms"]
			<-release
		}, func(o *Options) { o.Timeout, o.CancelOnDisconnect = time.Hour, cancel })
		c := g.dial()
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if ms := <-started; ms != "" { // the worker has it from its boot
			t.Errorf("timeout_ms %q", ms)
		}
		disconnect(c)
		if s := g.seen(); s.info.Status != 499 {
			t.Errorf("%+v", s)
		}
		g.pool.mu.Lock()
		if e := g.pool.expired; (len(e) == 1) != cancel {
			t.Errorf("cancel %v: %q", cancel, e)
		}
		g.pool.mu.Unlock()
		close(release)
	}
}
