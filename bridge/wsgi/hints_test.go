package wsgi

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

func hint(p *shimtest.Peer, stream uint32, namesAndValues ...string) error {
	b := []byte{0xdc, 0, byte(len(namesAndValues))}
	for _, s := range namesAndValues {
		b = append(append(b, 0xc4, byte(len(s))), s...)
	}
	return p.Send(wire.Frame{Kind: wire.KindEarlyHints, Stream: stream, Payload: b})
}

// readHead reads one head off the connection, an informational one too.
func readHead(t *testing.T, br *bufio.Reader) string {
	t.Helper()
	var b strings.Builder
	for !strings.HasSuffix(b.String(), "\r\n\r\n") {
		line, err := br.ReadString('\n')
		if err != nil {
			t.Fatalf("%q: %v", b.String(), err)
		}
		b.WriteString(line)
	}
	return b.String()
}

// A 103 is at the client while the app goes on; it holds the app's fields alone,
// and the final answer has none of them.
func TestEarlyHints(t *testing.T) {
	gate := make(chan struct{})
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = hint(p, r.Stream, "Link", "</a>", "link", "</A>", "Link", "</b>", "Content-Length", "7", "Transfer-Encoding", "chunked", "Connection", "close")
		_ = hint(p, r.Stream, "Link", "</c>")
		_ = hint(p, r.Stream, "Keep-Alive", "1")
		<-gate
		_ = p.Answer(r.Stream, "200 OK", "body", "X-A", "1")
	}, nil)
	c := g.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	br := bufio.NewReader(c)
	first := readHead(t, br)
	if !strings.HasPrefix(first, "HTTP/1.1 103 Early Hints\r\n") || strings.Count(first, "\r\n") != 5 ||
		!strings.Contains(first, "Link: </a>\r\nLink: </b>\r\n") || !strings.Contains(first, "link: </A>\r\n") {
		t.Errorf("%q", first)
	}
	if second := readHead(t, br); second != "HTTP/1.1 103 Early Hints\r\nLink: </c>\r\n\r\n" {
		t.Errorf("%q", second)
	}
	close(gate)
	a := g.read("GET", br)
	if a.status != 200 || a.body != "body" || strings.Contains(strings.ToLower(a.head), "link") || a.header.Get("X-Request-Id") != "REQ1" || a.header.Get("X-A") != "1" {
		t.Errorf("%q %q", a.head, a.body)
	}
	if s := g.seen(); s.status != 200 || s.bytes != 4 {
		t.Errorf("%+v", s)
	}
}

func TestEarlyHintsNotForHTTP10(t *testing.T) {
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = hint(p, r.Stream, "Link", "</a>")
		_ = p.Answer(r.Stream, "200 OK", "body")
	}, nil)
	if a := g.raw("GET", "GET / HTTP/1.0\r\n\r\n"); a.status != 200 || a.body != "body" {
		t.Errorf("%q", a.head)
	}
}

// What is no field goes nowhere, as in a final answer.
func TestBadEarlyHints(t *testing.T) {
	for name, f := range map[string][]string{"name": {"A b", "x"}, "value": {"Link", "x\r\nSet-Cookie: a=b"}, "empty": {"", ""}} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
				_ = hint(p, r.Stream, f...)
				_ = p.Answer(r.Stream, "200 OK", "body")
			}, nil)
			if a := g.get("/"); a.status != 500 || g.logs.count("bad_response") != 1 {
				t.Errorf("%q %s", a.head, g.logs)
			}
		})
	}
}

// A flood is cut, and told once.
func TestEarlyHintsAreBounded(t *testing.T) {
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		for i := range 100 {
			_ = hint(p, r.Stream, "Link", fmt.Sprint(i))
		}
		_ = p.Answer(r.Stream, "200 OK", "body")
	}, nil)
	c := g.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	all, err := io.ReadAll(c)
	if n := strings.Count(string(all), " 103 "); n != shim.MaxHints || err != nil || !strings.Contains(string(all), " 200 OK") {
		t.Errorf("%d of 103, %v: %q", n, err, all)
	}
	if g.logs.count("early_hints_dropped") != 1 || !strings.Contains(g.logs.String(), `"dropped":84`) {
		t.Error(g.logs)
	}
}

// The app's time runs on.
func TestEarlyHintsStopNoClock(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = hint(p, r.Stream, "Link", "</a>")
		<-over
	}, func(o *Options) { o.Timeout = shortTimeout })
	defer close(over)
	c := g.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	br := bufio.NewReader(c)
	readHead(t, br)
	if a := g.read("GET", br); a.status != 504 {
		t.Errorf("%q", a.head)
	}
}
