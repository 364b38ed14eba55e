package http1

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/listen"
)

// chunkedOf frames s in chunks of n bytes.
func chunkedOf(s string, n int) string {
	var b strings.Builder
	for s != "" {
		m := min(n, len(s))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", m, s[:m])
		s = s[m:]
	}
	return b.String() + "0\r\n\r\n"
}

// echo answers with the body that it has read.
func echo(t testing.TB) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("%s: %v", r.RequestURI, err)
		}
		if n, err := r.Body.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%s: behind the end: %d, %v", r.RequestURI, n, err)
		}
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(b))}
		_, _ = w.Write(b)
	}
}

// Bodies of both framings, however they come, are what was sent.
func TestBodies(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		g := newRigOn(t, network, Options{}, listen.Options{}, echo(t))
		for _, size := range []int{1, 100, firstBuffer - 1, firstBuffer, firstBuffer + 1, 100_000} {
			body := string(pattern(size))
			for name, request := range map[string]string{
				"sized":         requestOf("POST / HTTP/1.1", fmt.Sprintf("Content-Length: %d", size)) + body,
				"chunked":       requestOf("POST / HTTP/1.1", "Transfer-Encoding: chunked") + chunkedOf(body, 5000),
				"small chunks":  requestOf("POST / HTTP/1.1", "Transfer-Encoding: chunked") + chunkedOf(body, 3),
				"sized in 1.0":  requestOf("POST / HTTP/1.0", "Connection: keep-alive", fmt.Sprintf("Content-Length: %d", size)) + body,
				"get with body": requestOf("GET / HTTP/1.1", fmt.Sprintf("Content-Length: %d", size)) + body,
			} {
				for _, step := range []int{1, 7, 1 << 20} {
					if len(request)/step > 5000 {
						continue
					}
					p := g.dial()
					sent := make(chan error, 1)
					go func() {
						var err error
						for rest := request; rest != "" && err == nil; {
							n := min(step, len(rest))
							_, err = io.WriteString(p.Conn, rest[:n])
							rest = rest[n:]
						}
						sent <- err
					}()
					if a := p.read("POST"); a.status != 200 || a.body != body || a.err != nil || a.close {
						t.Errorf("%s, %d by %d: %q, %d bytes, %v", name, size, step, a.head, len(a.body), a.err)
					}
					if err := <-sent; err != nil {
						t.Error(err)
					}
					p.kept()
					p.Close()
				}
			}
		}
	})
}

// A read deadline ends a read that waits, and moves one that is under way, both ways.
func TestReadDeadlines(t *testing.T) {
	waiting, over := make(chan bool), make(chan time.Time)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			return
		}
		rc := http.NewResponseController(w)
		read := func() error {
			_, err := io.ReadFull(r.Body, make([]byte, 2))
			return err
		}
		set := func(d time.Duration) {
			at := time.Time{}
			if d != 0 {
				at = time.Now().Add(d)
			}
			if err := rc.SetReadDeadline(at); err != nil {
				t.Error(err)
			}
		}
		beside := func(f func()) (wait func()) {
			done := make(chan bool)
			go func() { defer close(done); waiting <- true; f() }()
			return func() { <-done }
		}
		if err := read(); err != nil { // what came with the head
			t.Error(err)
		}
		set(-time.Second)
		if err := read(); !isTimeout(err) {
			t.Errorf("a deadline of the past: %v", err)
		}
		set(20 * time.Millisecond)
		if err := read(); !isTimeout(err) {
			t.Errorf("a short deadline: %v", err)
		}
		set(patience) // sooner, while a read waits
		wait := beside(func() { set(20 * time.Millisecond) })
		<-waiting
		if err := read(); !isTimeout(err) {
			t.Errorf("a deadline that came sooner: %v", err)
		}
		wait()
		for limit, moved := 30*time.Millisecond, false; !moved; limit *= 2 { // later, while a read waits
			at := time.Now().Add(limit)
			set(limit)
			wait = beside(func() {
				set(patience)
				if moved = time.Now().Before(at); moved {
					over <- at
				} else { // it came too late on this machine
					set(-time.Second)
				}
			})
			<-waiting
			err := read()
			if wait(); moved && err != nil {
				t.Errorf("a deadline that was moved: %v", err)
			}
		}
		set(0)
		if err := read(); err != nil {
			t.Errorf("without a deadline: %v", err)
		}
		set(-time.Second) // of this request alone
	})
	for _, framing := range []string{"sized", "chunked"} {
		p := g.dial()
		first, second, third := "ab", "cd", "ef"
		if framing == "sized" {
			p.send(requestOf("POST / HTTP/1.1", "Content-Length: 6"))
		} else {
			p.send(requestOf("POST / HTTP/1.1", "Transfer-Encoding: chunked"))
			first, second, third = "2\r\nab\r\n", "2\r\ncd\r\n", "2\r\nef\r\n0\r\n\r\n"
		}
		p.send(first)
		time.Sleep(time.Until(wait(t, "the deadline that is moved", over)) + 10*time.Millisecond) // beyond the one that was there before
		p.send(second)
		p.send(third)
		if a := p.read("POST"); a.status != 200 || a.close {
			t.Errorf("%s: %q", framing, a.head)
		}
		p.kept()
	}
}

// A goroutine of a handler may read the body when the handler has returned: its read fails,
// and takes nothing of what comes next.
func TestReadBehindTheHandler(t *testing.T) {
	type result struct {
		n   int
		err error
	}
	results := make(chan result, 10)
	reading := make(chan bool, 10)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "POST" {
			_, _ = io.WriteString(w, r.RequestURI)
			return
		}
		body, buf := r.Body, make([]byte, 1000)
		begun := make(chan bool)
		go func() {
			n, err := body.Read(buf[:1])
			close(begun)
			for err == nil {
				var m int
				m, err = body.Read(buf)
				n += m
			}
			results <- result{n, err}
		}()
		<-begun
		reading <- true
		_, _ = io.WriteString(w, "answer")
	})
	// The rest comes: the connection is kept, and the next request is whole.
	p := g.dial()
	p.send(requestOf("POST / HTTP/1.1", "Content-Length: 1000") + "x")
	wait(t, "the read", reading)
	p.send(strings.Repeat("x", 999) + requestOf("GET /next HTTP/1.1"))
	if a := p.read("POST"); a.status != 200 || a.body != "answer" || a.close {
		t.Errorf("%q %q", a.head, a.body)
	}
	if a := p.read("GET"); a.status != 200 || a.body != "/next" {
		t.Errorf("%q %q", a.head, a.body)
	}
	if r := wait(t, "the reader", results); r.n > 1000 || r.err == nil {
		t.Errorf("%d bytes, %v", r.n, r.err)
	}
	// The rest does not come, and the connection is to end: the read ends at once.
	p = g.dial()
	p.send(requestOf("POST / HTTP/1.1", "Content-Length: 1000", "Connection: close") + "x")
	wait(t, "the read", reading)
	if a := p.read("POST"); a.status != 200 || a.body != "answer" || !a.close {
		t.Errorf("%q %q", a.head, a.body)
	}
	if r := wait(t, "the reader", results); r.n != 1 || r.err == nil {
		t.Errorf("%d bytes, %v", r.n, r.err)
	}
	p.ends()
}

// What is left of a small body is read, so that the connection can be used again.
func TestSmallUnreadBodies(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/part" {
			_, _ = io.ReadFull(r.Body, make([]byte, 10))
		}
		_, _ = io.WriteString(w, r.RequestURI)
	})
	body := string(pattern(100_000))
	for _, target := range []string{"/none", "/part"} {
		for name, rest := range map[string]string{"sized": requestOf("POST "+target+" HTTP/1.1", "Content-Length: 100000") + body, "chunked": requestOf("POST "+target+" HTTP/1.1", "Transfer-Encoding: chunked") + chunkedOf(body, 999)} {
			p := g.dial()
			p.send(rest[:300])
			a := p.read("POST") // it does not wait for the rest
			if a.status != 200 || a.body != target || a.close {
				t.Errorf("%s %s: %q %q", target, name, a.head, a.body)
			}
			p.send(rest[300:] + requestOf("GET /next HTTP/1.1"))
			if a := p.read("GET"); a.body != "/next" {
				t.Errorf("%s %s: then %q %q", target, name, a.head, a.body)
			}
			p.Close()
		}
	}
}

// A client that sends all of a large body before it reads gets the answer of a handler that
// did not read it.
func TestLargeUnreadBodies(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		g := newRigOn(t, network, Options{}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/part" {
				_, _ = io.CopyN(io.Discard, r.Body, 300_000)
			}
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = io.WriteString(w, "too large")
		})
		body := strings.Repeat("x", 5_000_000)
		for _, request := range []string{
			requestOf("POST /none HTTP/1.1", "Content-Length: 5000000") + body,
			requestOf("POST /part HTTP/1.1", "Content-Length: 5000000") + body,
			requestOf("POST /none HTTP/1.0", "Content-Length: 5000000") + body,
			requestOf("POST /none HTTP/1.1", "Connection: close", "Content-Length: 5000000") + body,
			requestOf("POST /none HTTP/1.1", "Transfer-Encoding: chunked") + chunkedOf(body, 70_000),
			requestOf("POST /part HTTP/1.1", "Transfer-Encoding: chunked") + chunkedOf(body, 70_000),
		} {
			line, _, _ := strings.Cut(request, "\r\n")
			for range 15 {
				p := g.dial()
				p.send(request)
				if a := p.read("POST"); a.status != 413 || a.body != "too large" || a.err != nil {
					t.Errorf("%s: %q %q %v", line, a.head, a.body, a.err)
				}
				p.ends()
				p.Close()
			}
		}
	})
}

// A body that is cut or broken fails in the handler's read; nothing behind it is a request.
func TestBrokenBodies(t *testing.T) {
	errs := make(chan error, 1)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/canary" {
			t.Error("the canary ran")
			return
		}
		_, err := io.ReadAll(r.Body)
		errs <- err
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "bad")
	})
	chunkedHead, canary := requestOf("POST / HTTP/1.1", "Transfer-Encoding: chunked"), requestOf("GET /canary HTTP/1.1")
	for _, bytes := range []string{"3\r\nabcd\r\n0\r\n\r\n", "x\r\n", "3\nabc\r\n", "3\r\nabc\n0\r\n\r\n", "-1\r\n", "3;\x00\r\nabc\r\n0\r\n\r\n", "0\r\nbad trailer\r\n\r\n"} {
		p := g.dial()
		p.send(chunkedHead + bytes + canary)
		var bad *Refusal
		if err := wait(t, "the handler", errs); !errors.As(err, &bad) || bad.Status != 400 || bad.Code == "" {
			t.Errorf("%q: %v", bytes, err)
		}
		if a := p.read("POST"); a.status != 400 || a.body != "bad" {
			t.Errorf("%q: %q %q", bytes, a.head, a.body)
		}
		p.ends()
	}
	for _, request := range []string{chunkedHead + "5\r\nabc", chunkedHead + "3\r\nabc\r\n", chunkedHead + "3\r\nabc\r\n0\r\n", requestOf("POST / HTTP/1.1", "Content-Length: 5") + "abc"} {
		p := g.dial()
		p.send(request)
		p.closeWrite()
		if err := wait(t, "the handler", errs); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", request, err)
		}
		if a := p.read("POST"); a.status != 400 {
			t.Errorf("%q", a.head)
		}
		p.ends()
	}
}

// A handler may write before, while and after it reads.
func TestFullDuplex(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		flush(t, w)
		b := make([]byte, 1)
		for {
			n, err := r.Body.Read(b)
			if n > 0 {
				_, _ = w.Write(b[:n])
				flush(t, w)
			}
			if err != nil {
				return
			}
		}
	})
	p := g.dial()
	p.send(requestOf("POST / HTTP/1.1", "Content-Length: 5"))
	res, err := http.ReadResponse(p.br, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range "hello" {
		p.send(string(c))
		b := make([]byte, 1)
		if _, err := io.ReadFull(res.Body, b); err != nil || rune(b[0]) != c {
			t.Fatalf("%q, %v", b, err)
		}
	}
	if b, err := io.ReadAll(res.Body); len(b) > 0 || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	p.kept()
}
