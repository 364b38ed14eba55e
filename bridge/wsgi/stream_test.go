package wsgi

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// newStreamRig is a rig whose app has request_buffering = "off".
func newStreamRig(t testing.TB, handle func(*shimtest.Request, *shimtest.Peer), change func(*Options)) *rig {
	return newRig(t, handle, func(o *Options) {
		o.Unbuffered = true
		if change != nil {
			change(o)
		}
	})
}

// echo answers each piece of the body with that piece, at once.
func echo(r *shimtest.Request, p *shimtest.Peer) {
	_ = p.Head(r.Stream, "200 OK", "", false, "X-Length", r.Vars["CONTENT_LENGTH"], "X-Limit", r.Vars["standpipe.timeout_ms"])
	for !r.Last {
		b, ok := r.Next()
		if !ok {
			return
		}
		if len(b) > 0 {
			_ = p.Stream(r.Stream, b)
		}
	}
	_ = p.Body(r.Stream, "", true)
}

func (g *rig) write(c net.Conn, s string) {
	g.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		g.t.Error(err)
	}
}

// The app works while it receives: a piece goes out when the answer to the one before it has come.
func TestStreamIsAnsweredPieceByPiece(t *testing.T) {
	g := newStreamRig(t, echo, nil)
	for _, inChunks := range []bool{false, true} {
		c := g.dial()
		br := bufio.NewReader(c)
		const pieces, size = 20, 5
		framing, length := fmt.Sprintf("Content-Length: %d", pieces*size), fmt.Sprint(pieces*size)
		if inChunks {
			framing, length = "Transfer-Encoding: chunked", ""
		}
		g.write(c, "POST /p HTTP/1.1\r\nHost: h\r\n"+framing+"\r\n\r\n")
		var res *http.Response
		for i := range pieces {
			piece := fmt.Sprintf("%05d", i)
			if inChunks {
				g.write(c, chunked(piece))
			} else {
				g.write(c, piece)
			}
			if res == nil {
				var err error
				if res, err = http.ReadResponse(br, nil); err != nil {
					t.Fatal(err)
				}
			}
			got := make([]byte, size)
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != piece {
				t.Fatalf("%q %v, want %q", got, err, piece)
			}
		}
		if inChunks {
			g.write(c, "0\r\n\r\n")
		}
		if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
			t.Errorf("%q %v", rest, err)
		}
		if res.Header.Get("X-Length") != length || res.Header.Get("X-Limit") != "0" {
			t.Errorf("CONTENT_LENGTH %q, timeout_ms %q", res.Header.Get("X-Length"), res.Header.Get("X-Limit"))
		}
		if s := g.seen(); s.status != 200 || s.info.Worker != "shop/1" || s.info.Run <= 0 {
			t.Errorf("%+v", s)
		}
		if inChunks {
			continue // such a connection is closed: server/chain.go
		}
		g.write(c, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
		if a := g.read("GET", br); a.status != 200 {
			t.Errorf("next: %s", a.head)
		}
		g.seen()
	}
	if g.pool.admits != 0 || len(g.pool.labels) != 3 {
		t.Errorf("%d asked, %d acquired", g.pool.admits, len(g.pool.labels))
	}
}

// An app that does not read its body is answered for at once, its worker is free, and what comes later is thrown away.
func TestStreamIsNotWaitedForByTheAnswer(t *testing.T) {
	const size = 3_000_000
	for name, answer := range map[string]func(*shimtest.Request, *shimtest.Peer){
		"200": func(r *shimtest.Request, p *shimtest.Peer) { _ = p.Answer(r.Stream, "200 OK", "no need") },
		"500": func(r *shimtest.Request, p *shimtest.Peer) {
			_ = p.Message(0x14, r.Stream, map[string]any{"type": "ValueError"})
		},
		"204": func(r *shimtest.Request, p *shimtest.Peer) { _ = p.Answer(r.Stream, "204 No Content", "") },
	} {
		g := newStreamRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
			if r.Vars["REQUEST_METHOD"] == "GET" {
				hello(r, p)
				return
			}
			answer(r, p)
		}, func(o *Options) { o.MaxBody = 0 })
		c := g.dial()
		br := bufio.NewReader(c)
		body := uploadOf("/p", size)
		g.write(c, body[:1000])
		if a := g.read("POST", br); fmt.Sprint(a.status) != name {
			t.Fatalf("%s: %s", name, a.head)
		}
		<-g.pool.freed // though the client has hardly begun
		g.write(c, body[1000:])
		g.write(c, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
		if a := g.read("GET", br); a.status != 200 || !strings.Contains(a.body, "/next") {
			t.Errorf("%s: next: %s%s", name, a.head, a.body)
		}
		g.seen()
		g.seen()
	}
}

// Both directions at once, from an app that writes all before it reads, and from one that does both in turn.
func TestStreamBothWaysAtOnce(t *testing.T) {
	const size = 20 << 20
	data := make([]byte, size)
	_, _ = io.ReadFull(rand.NewChaCha8([32]byte{7}), data)
	g := newStreamRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["PATH_INFO"] == "/echo" || r.Vars["REQUEST_METHOD"] == "GET" {
			echo(r, p)
			return
		}
		_ = p.Head(r.Stream, "200 OK", "", false)
		_ = p.Stream(r.Stream, data)
		if !bytes.Equal(r.ReadAll(), data) {
			return // the test runs into its deadline
		}
		_ = p.Body(r.Stream, "", true)
	}, func(o *Options) { o.MaxBody = 0 })
	for _, path := range []string{"/echo", "/first"} {
		c := g.dial()
		br := bufio.NewReader(c)
		go func() {
			_, _ = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", path, size)
			_, _ = c.Write(data)
			_, _ = io.WriteString(c, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
		}()
		if a := g.read("POST", br); a.status != 200 || a.err != nil || !bytes.Equal([]byte(a.body), data) {
			t.Errorf("%s: %d bytes, %v", path, len(a.body), a.err)
		}
		if a := g.read("GET", br); a.status != 200 {
			t.Errorf("%s: next: %s", path, a.head)
		}
		g.seen()
		g.seen()
	}
}

// What goes wrong within the body is answered while that can be, and cuts the answer off later. The worker is told.
func TestStreamFailures(t *testing.T) {
	chunks := "POST %s HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("first")
	declared := "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nfirst"
	type failure struct {
		name, begin, more string
		leave             bool
		status            int
	}
	try := func(t *testing.T, c failure, path string) {
		came := make(chan bool, 1)
		g := newStreamRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
			_, _ = r.Next()
			if path == "/begun" {
				_ = p.Head(r.Stream, "200 OK", "begun", false)
			}
			came <- true
			for ok := true; ok; _, ok = r.Next() {
			}
			_ = p.Send(wire.Frame{Kind: wire.KindEnd, Stream: r.Stream})
		}, func(o *Options) {
			o.MaxBody = 2000
			if c.status == 408 {
				o.BodyPace.Silence, o.Timeout = shortTimeout*4/3, shortTimeout // that of the app does not count here
			}
		})
		conn := g.dial()
		br := bufio.NewReader(conn)
		g.write(conn, fmt.Sprintf(c.begin, path))
		<-came
		var res *http.Response
		if path == "/begun" {
			var err error
			if res, err = http.ReadResponse(br, nil); err != nil {
				t.Fatal(err)
			}
		}
		if c.leave {
			conn.Close()
		} else {
			g.write(conn, c.more)
		}
		switch {
		case c.leave:
		case res != nil:
			if b, err := io.ReadAll(res.Body); err == nil || string(b) != "begun" {
				t.Errorf("%q %v", b, err)
			}
		default:
			if a := g.read("POST", br); a.status != c.status || a.err != nil || !strings.Contains(a.head, "Connection: close") {
				t.Errorf("%s %v", a.head, a.err)
			}
			if _, err := br.ReadByte(); err != io.EOF {
				t.Errorf("the connection: %v", err)
			}
		}
		<-g.pool.cancels
		<-g.pool.freed
		s := g.seen()
		if res != nil && (s.status != 200 || !s.abort) || res == nil && s.status != c.status && s.info.Status != c.status {
			t.Errorf("%+v", s)
		}
		if text := g.logs.String(); text != "" || len(g.pool.expired) > 0 {
			t.Errorf("%v %s", g.pool.expired, text)
		}
	}
	for _, c := range []failure{
		{"too large", chunks, chunked(strings.Repeat("x", 10_000)), false, 413},
		{"bad chunk", chunks, "zzz\r\n", false, 400},
		{"stalled, chunks", chunks, "", false, 408},
		{"stalled", declared, "more", false, 408},
		{"left, chunks", chunks, "", true, 499},
		{"left", declared, "more", true, 499},
	} {
		for _, path := range []string{"/wait", "/begun"} {
			t.Run(c.name+path, func(t *testing.T) { t.Parallel(); try(t, c, path) })
		}
	}
}

// Nothing of the body was read when the worker turns out to have left.
func TestStreamGoesToAnotherWorker(t *testing.T) {
	g := newStreamRig(t, hello, nil)
	g.pool.lose = 2
	if a := g.raw("POST", uploadOf("/p", 200_000)); a.body != "POST /p 200000 200000" {
		t.Errorf("%s%s", a.head, a.body)
	}
	if n := len(g.pool.labels); n != 3 || g.pool.labels[2].Attempt != 3 {
		t.Errorf("%v", g.pool.labels)
	}
	g.pool.lose = 3
	if a := g.raw("POST", uploadOf("/p", 200_000)); a.status != 503 {
		t.Errorf("%s", a.head)
	}
}

func TestStreamWhoseWorkerDies(t *testing.T) {
	g := newStreamRig(t, func(r *shimtest.Request, p *shimtest.Peer) { _, _ = r.Next(); p.Close() }, func(o *Options) { o.MaxBody = 0 })
	c := g.dial()
	br := bufio.NewReader(c)
	body := uploadOf("/p", 2_000_000)
	g.write(c, body[:100_000])
	if a := g.read("POST", br); a.status != 502 {
		t.Errorf("%s", a.head)
	}
	g.pool.mu.Lock()
	g.pool.refuse = io.ErrNoProgress // any answer will do
	g.pool.mu.Unlock()
	g.write(c, body[100_000:]+"GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
	if a := g.read("GET", br); a.status != 500 {
		t.Errorf("next: %s", a.head)
	}
}

func TestStreamAnd100Continue(t *testing.T) {
	g := newStreamRig(t, hello, func(o *Options) { o.MaxBody = 1000 })
	ask := "POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: "
	if a := g.raw("POST", ask+"1001\r\n\r\n"); a.status != 413 || !strings.HasPrefix(a.head, "HTTP/1.1 413") || len(g.pool.labels) != 0 {
		t.Errorf("%s %v", a.head, g.pool.labels)
	}
	c := g.dial()
	br := bufio.NewReader(c)
	g.write(c, ask+"5\r\n\r\n")
	if a := g.read("POST", br); a.status != 100 {
		t.Errorf("%s", a.head)
	}
	g.write(c, "hello")
	if a := g.read("POST", br); a.body != "POST /p 5 5" {
		t.Errorf("%s%s", a.head, a.body)
	}
	g.pool.mu.Lock()
	g.pool.refuse = io.ErrNoProgress
	g.pool.mu.Unlock()
	if a := g.raw("POST", ask+"5\r\n\r\n"); a.status != 500 || !strings.HasPrefix(a.head, "HTTP/1.1 500") {
		t.Errorf("%s", a.head)
	}
}

// An app that answers without a read of its body has no "100 Continue" sent for it.
func TestStreamThatIsNotAskedFor(t *testing.T) {
	g := newStreamRig(t, func(r *shimtest.Request, p *shimtest.Peer) { _ = p.Answer(r.Stream, "403 Forbidden", "no") }, nil)
	for _, framing := range []string{"Content-Length: 5", "Transfer-Encoding: chunked"} {
		a := g.raw("POST", "POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"+framing+"\r\n\r\n")
		if !strings.HasPrefix(a.head, "HTTP/1.1 403") || a.body != "no" || !strings.Contains(a.head, "Connection: close") {
			t.Errorf("%s: %s%s", framing, a.head, a.body)
		}
		if s := g.seen(); s.status != 403 || s.info.Err != nil {
			t.Errorf("%s: %+v", framing, s)
		}
	}
}
