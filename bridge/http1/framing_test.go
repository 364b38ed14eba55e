package http1

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
)

// How an answer's body is framed (RFC 9112 6), and whether the connection is kept.
func TestFraming(t *testing.T) {
	large := strings.Repeat("y", 100_000)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if n := q.Get("declared"); n != "" {
			w.Header()["Content-Length"] = []string{n}
		}
		if s := q.Get("status"); s != "" {
			status, _ := strconv.Atoi(s)
			w.WriteHeader(status)
		}
		switch r.URL.Path {
		case "/small":
			_, _ = io.WriteString(w, "small")
		case "/pieces":
			for range 3 {
				_, _ = io.WriteString(w, "piece")
			}
		case "/flushed":
			for range 3 {
				_, _ = io.WriteString(w, "piece")
				flush(t, w)
			}
		case "/large":
			_, _ = io.WriteString(w, large)
		case "/empty":
		}
	})
	for _, c := range []struct {
		method, target string
		minor          int
		status         int
		frame          string // "N": a Content-Length; "chunked"; "": none
		body           string
		kept           bool
	}{
		{"GET", "/small", 1, 200, "5", "small", true},
		{"GET", "/small", 0, 200, "5", "small", true},
		{"GET", "/small?declared=5", 1, 200, "5", "small", true},
		{"GET", "/pieces", 1, 200, "15", "piecepiecepiece", true},
		{"GET", "/pieces", 0, 200, "15", "piecepiecepiece", true},
		{"GET", "/pieces?declared=15", 1, 200, "15", "piecepiecepiece", true},
		{"GET", "/flushed", 1, 200, "chunked", "piecepiecepiece", true},
		{"GET", "/flushed", 0, 200, "", "piecepiecepiece", false},
		{"GET", "/flushed?declared=15", 1, 200, "15", "piecepiecepiece", true},
		{"GET", "/flushed?declared=15", 0, 200, "15", "piecepiecepiece", true},
		{"GET", "/large", 1, 200, "chunked", large, true},
		{"GET", "/large", 0, 200, "", large, false},
		{"GET", "/large?declared=100000", 1, 200, "100000", large, true},
		{"GET", "/large?declared=100000", 0, 200, "100000", large, true},
		{"GET", "/empty", 1, 200, "0", "", true},
		{"GET", "/empty", 0, 200, "0", "", true},
		{"GET", "/empty?status=404", 1, 404, "0", "", true},
		{"GET", "/empty?status=204", 1, 204, "", "", true},
		{"GET", "/empty?status=204", 0, 204, "", "", true},
		{"GET", "/empty?status=204&declared=5", 1, 204, "", "", true},
		{"GET", "/small?status=204", 1, 204, "", "", true},
		{"GET", "/flushed?status=204", 1, 204, "", "", true},
		{"GET", "/empty?status=205", 1, 205, "0", "", true},
		{"GET", "/small?status=205", 1, 205, "0", "", true},
		{"GET", "/flushed?status=205&declared=15", 0, 205, "0", "", true},
		{"HEAD", "/empty?status=205", 1, 205, "0", "", true},
		{"GET", "/empty?status=304", 1, 304, "", "", true},
		{"GET", "/empty?status=304&declared=5", 1, 304, "5", "", true},
		{"GET", "/small?status=304", 1, 304, "", "", true},
		{"GET", "/flushed?status=304", 0, 304, "", "", true},
		{"HEAD", "/small", 1, 200, "5", "", true},
		{"HEAD", "/small?declared=5", 1, 200, "5", "", true},
		{"HEAD", "/empty?declared=5", 1, 200, "5", "", true},
		{"HEAD", "/large?declared=100000", 1, 200, "100000", "", true},
		{"HEAD", "/large?declared=100000", 0, 200, "100000", "", true},
		{"HEAD", "/flushed", 1, 200, "", "", true},
		{"HEAD", "/flushed", 0, 200, "", "", true},
		{"HEAD", "/empty", 1, 200, "", "", true},
		{"HEAD", "/empty?status=204", 1, 204, "", "", true},
		{"HEAD", "/empty?status=304", 1, 304, "", "", true},
	} {
		p := g.dial()
		p.send(requestOf(fmt.Sprintf("%s %s HTTP/1.%d", c.method, c.target, c.minor), "Connection: keep-alive"))
		a := p.read(c.method)
		frame := strings.Join(append(a.lines("Content-Length"), a.lines("Transfer-Encoding")...), ",")
		if a.status != c.status || frame != c.frame || a.body != c.body || a.err != nil || a.close == c.kept {
			t.Errorf("%s %s 1.%d: %q, %d bytes of body, %v", c.method, c.target, c.minor, a.head, len(a.body), a.err)
		}
		if c.kept {
			p.kept()
		} else {
			p.ends()
		}
		p.Close()
	}
}

// What a handler writes against its own word fails, and does not reach the client.
func TestWriteErrors(t *testing.T) {
	write := func(w http.ResponseWriter, s string, want error) {
		if n, err := io.WriteString(w, s); !errors.Is(err, want) || want != nil && n != 0 {
			t.Errorf("%q: %d, %v; want %v", s, n, err, want)
		}
	}
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/over":
			w.Header()["Content-Length"] = []string{"5"}
			write(w, "hel", nil)
			write(w, "lo, all", http.ErrContentLength)
			write(w, "lo", nil)
			write(w, "!", http.ErrContentLength)
			write(w, "", nil)
		case "/none":
			w.WriteHeader(http.StatusNoContent)
			write(w, "x", http.ErrBodyNotAllowed)
			write(w, "", nil)
		case "/unmodified":
			w.WriteHeader(http.StatusNotModified)
			write(w, "x", http.ErrBodyNotAllowed)
		case "/twice":
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK)
			w.Header()["X-Late"] = []string{"x"}
			write(w, "tea", nil)
		}
	})
	p := g.dial()
	for target, want := range map[string]string{"/over": "200 hello", "/none": "204 ", "/unmodified": "304 ", "/twice": "418 tea"} {
		if a := p.get(target); fmt.Sprintf("%d %s", a.status, a.body) != want || len(a.lines("X-Late")) > 0 || a.err != nil {
			t.Errorf("%s: %q %q %v", target, a.head, a.body, a.err)
		}
	}
}

// An answer of which bytes are missing ends the connection, so that the client can tell: by
// fewer bytes than declared, by a chunked body without its end, and by a reset where the end
// of the connection is the end of the body.
func TestCutAnswers(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		g := newRigOn(t, network, Options{}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if n := q.Get("declared"); n != "" {
				w.Header()["Content-Length"] = []string{n}
			}
			if q.Get("write") != "" {
				_, _ = io.WriteString(w, "part")
				flush(t, w)
			}
			switch r.URL.Path {
			case "/abort":
				httpx.Abort(w)
			case "/panic":
				panic(http.ErrAbortHandler)
			case "/crash":
				panic("crash")
			case "/short":
			}
		})
		for _, target := range []string{"/abort", "/panic", "/crash", "/short"} {
			for _, minor := range []int{0, 1} {
				for _, declared := range []string{"", "9"} {
					if target == "/short" && declared == "" {
						continue
					}
					name := fmt.Sprintf("%s 1.%d declared=%s", target, minor, declared)
					p := g.dial()
					p.send(requestOf(fmt.Sprintf("GET %s?write=1&declared=%s HTTP/1.%d", target, declared, minor), "Connection: keep-alive") + requestOf("GET /canary HTTP/1.1"))
					a, err := p.try("GET")
					reset := minor == 0 && declared == "" && network == "tcp"
					switch {
					case err != nil && reset && errors.Is(err, syscall.ECONNRESET): // it overtook the head
					case err != nil:
						t.Errorf("%s: %v", name, err)
					case reset:
						if !errors.Is(a.err, syscall.ECONNRESET) {
							t.Errorf("%s: %q, %v", name, a.body, a.err)
						}
					case minor == 0 && declared == "": // a unix socket has no resets
					case a.body != "part" || !errors.Is(a.err, io.ErrUnexpectedEOF) && !errors.Is(a.err, syscall.ECONNRESET):
						t.Errorf("%s: %q, %v", name, a.body, a.err)
					}
					if rest, _ := p.rest(); rest != "" {
						t.Errorf("%s: then %q", name, rest)
					}
					p.Close()
				}
			}
			// Nothing has gone out: nothing does.
			if target != "/short" {
				p := g.dial()
				p.send(requestOf("GET " + target + " HTTP/1.1"))
				p.ends()
			}
		}
		if n := strings.Count(g.logs.String(), `"@message":"panic"`); n != 5 {
			t.Errorf("%d records of panics: %s", n, &g.logs)
		}
	})
}

// An answer that was aborted behind its last byte is whole.
func TestAbortBehindTheEnd(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Length"] = []string{"5"}
		_, _ = io.WriteString(w, "whole")
		httpx.Abort(w)
	})
	p := g.dial()
	if a := p.get("/"); a.body != "whole" || a.err != nil {
		t.Errorf("%q %q %v", a.head, a.body, a.err)
	}
	p.ends()
}

// A piece that was flushed is not kept back, and one that was not flushed comes with the end.
func TestFlush(t *testing.T) {
	for _, minor := range []int{0, 1} {
		step := make(chan bool)
		g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			flush(t, w) // the head alone
			<-step
			_, _ = io.WriteString(w, "one")
			flush(t, w)
			flush(t, w) // nothing more
			<-step
			_, _ = io.WriteString(w, "two")
			_, _ = io.WriteString(w, strings.Repeat("z", 50_000))
		})
		p := g.dial()
		p.send(requestOf(fmt.Sprintf("GET / HTTP/1.%d", minor)))
		res, err := http.ReadResponse(p.br, nil)
		if err != nil {
			t.Fatal(err)
		}
		step <- true
		b := make([]byte, 3)
		if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != "one" {
			t.Errorf("1.%d: %q, %v", minor, b, err)
		}
		step <- true
		if b, err := io.ReadAll(res.Body); err != nil || len(b) != 50_003 {
			t.Errorf("1.%d: %d bytes, %v", minor, len(b), err)
		}
	}
}

// Answers of all sizes around the server's buffers are whole, however they are written.
func TestSizes(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		size, _ := strconv.Atoi(q.Get("size"))
		step, _ := strconv.Atoi(q.Get("step"))
		if q.Get("declared") != "" {
			w.Header()["Content-Length"] = []string{q.Get("size")}
		}
		body := pattern(size)
		for len(body) > 0 {
			n := min(step, len(body))
			if m, err := w.Write(body[:n]); m != n || err != nil {
				t.Errorf("%d, %v", m, err)
			}
			body = body[n:]
		}
	})
	p := g.dial()
	for _, size := range []int{1, 100, gather - 1, gather, gather + 1, copied - 1, copied, copied + 1, gather + copied, 1 << 20} {
		for _, step := range []int{7, 1000, gather, gather + 1, copied, copied + 1, 1 << 20} {
			if size/step > 10_000 {
				continue
			}
			for _, declared := range []string{"", "yes"} {
				a := p.get(fmt.Sprintf("/?size=%d&step=%d&declared=%s", size, step, declared))
				if a.body != string(pattern(size)) || a.err != nil || a.close {
					t.Fatalf("%d by %d, declared %q: %d bytes, %v", size, step, declared, len(a.body), a.err)
				}
			}
		}
	}
}

// pattern is n bytes of which no two neighbouring pieces are alike.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + (i^i>>8)%26)
	}
	return b
}

// A client gets the first bytes of a large answer before the handler has ended.
func TestLargeAnswerGoesOutAtOnce(t *testing.T) {
	end := make(chan bool)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(pattern(20_000))
		wait(t, "the client", end)
	})
	p := g.dial()
	p.send(requestOf("GET / HTTP/1.1"))
	_ = p.SetReadDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(p.br, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 20_000)); err != nil {
		t.Error(err)
	}
	close(end)
}
