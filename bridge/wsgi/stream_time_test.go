package wsgi

import (
	"bufio"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim/shimtest"
)

// The app's time runs while bytes that came wait for it, and not while it waits for the client.
func TestStreamAndTimeout(t *testing.T) {
	t.Parallel()
	g := newStreamRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if r.Vars["PATH_INFO"] == "/deaf" {
			return
		}
		hello(r, p)
	}, func(o *Options) { o.Timeout, o.MaxBody = shortTimeout, 0 })
	c := g.dial()
	g.write(c, "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc")
	for _, piece := range []string{"def", "ghi"} {
		time.Sleep(shortTimeout * 4 / 3) // a client that is slower than the app may be
		g.write(c, piece)
	}
	br := bufio.NewReader(c)
	if a := g.read("POST", br); a.status != 200 || a.body != "POST /p 9 9" {
		t.Errorf("%s%s", a.head, a.body)
	}
	g.seen()
	go func() { _, _ = io.WriteString(c, uploadOf("/deaf", 2_000_000)+"GET /next HTTP/1.1\r\nHost: h\r\n\r\n") }()
	if a := g.read("POST", br); a.status != 504 {
		t.Errorf("%s", a.head)
	}
	if a := g.read("GET", br); a.status != 200 {
		t.Errorf("next: %s", a.head)
	}
	if g.pool.mu.Lock(); len(g.pool.expired) != 1 {
		t.Error(g.pool.expired)
	}
	g.pool.mu.Unlock()
	g.write(c, "POST /deaf HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc") // from the last byte on too
	if a := g.read("POST", br); a.status != 504 {
		t.Errorf("%s", a.head)
	}
}

// Silence within an answer is the client's while the app waits for its body.
func TestStreamAndStreamTimeout(t *testing.T) {
	t.Parallel()
	g := newStreamRig(t, echo, func(o *Options) { o.StreamTimeout = shortTimeout })
	c := g.dial()
	g.write(c, "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc")
	br := bufio.NewReader(c)
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(shortTimeout * 4 / 3) // the client's silence
	g.write(c, "def")
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "abcdef" {
		t.Errorf("%q %v", b, err)
	}
}

// A client that stalls when it has its answer: what it sends later is no request.
func TestStreamThatStallsAfterTheAnswer(t *testing.T) {
	t.Parallel()
	g := newStreamRig(t, func(r *shimtest.Request, p *shimtest.Peer) { _ = p.Answer(r.Stream, "200 OK", "no need") },
		func(o *Options) { o.BodyPace.Silence = shortTimeout })
	c := g.dial()
	br := bufio.NewReader(c)
	g.write(c, uploadOf("/p", 1000)[:100])
	if a := g.read("POST", br); a.status != 200 || a.body != "no need" {
		t.Errorf("%s", a.head)
	}
	if s := g.seen(); s.status != 200 || s.abort {
		t.Errorf("%+v", s)
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Error(err)
	}
}
