package http1

import (
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/listen"
)

const continued = "HTTP/1.1 100 Continue\r\n\r\n"

// "100 Continue" asks for the body when a handler reads it, once (RFC 9110 10.1.1).
func TestExpect(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		step := make(chan bool)
		g := newRigOn(t, network, Options{}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wait" {
				<-step
			}
			b := make([]byte, 2)
			if _, err := io.ReadFull(r.Body, b); err != nil {
				t.Error(err)
			}
			if r.URL.Path == "/explicit" {
				w.WriteHeader(http.StatusContinue)
			}
			rest, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(append(b, rest...))
		})
		p := g.dial()
		// Nothing comes before the handler reads.
		p.send(requestOf("POST /wait HTTP/1.1", "Content-Length: 5", "Expect: 100-Continue"))
		_ = p.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if b, err := p.br.Peek(1); err == nil {
			t.Errorf("%q before the read", b)
		}
		_ = p.SetReadDeadline(time.Now().Add(patience))
		step <- true
		if a := p.read("POST"); a.head != continued {
			t.Errorf("%q", a.head)
		}
		p.send("hello")
		if a := p.read("POST"); a.status != 200 || a.body != "hello" || a.close {
			t.Errorf("%q %q", a.head, a.body)
		}
		// A chunked body, on the same connection.
		p.send(requestOf("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Expect: 100-continue"))
		if a := p.read("POST"); a.head != continued {
			t.Errorf("%q", a.head)
		}
		p.send("5\r\nhello\r\n0\r\n\r\n")
		if a := p.read("POST"); a.status != 200 || a.body != "hello" || a.close {
			t.Errorf("%q %q", a.head, a.body)
		}
		// A client of HTTP/1.0, and a request without a body, do not wait.
		p.send(requestOf("POST / HTTP/1.0", "Connection: keep-alive", "Content-Length: 2", "Expect: 100-continue") + "ab")
		if a := p.read("POST"); a.status != 200 || a.body != "ab" {
			t.Errorf("%q %q", a.head, a.body)
		}
	})
}

// A body that was not asked for may come or not: the connection ends, and its end does not
// overtake the answer.
func TestExpectUnanswered(t *testing.T) {
	read := make(chan error, 1)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/refuse":
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "no")
		case "/late": // behind the final head
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "no")
			flush(t, w)
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			_, err := r.Body.Read(make([]byte, 1))
			read <- err
		}
	})
	for _, target := range []string{"/refuse", "/late"} {
		for _, length := range []string{"Content-Length: 1000", "Transfer-Encoding: chunked"} {
			p := g.dial()
			p.send(requestOf("POST "+target+" HTTP/1.1", length, "Expect: 100-continue"))
			a := p.read("POST")
			if a.status != 403 || a.body != "no" || !a.close {
				t.Errorf("%s: %q %q", target, a.head, a.body)
			}
			if target == "/late" {
				if err := wait(t, "the read", read); !isTimeout(err) {
					t.Errorf("the read: %v", err)
				}
			}
			p.ends()
		}
	}
	// A client that sends without waiting, more than any buffer holds, gets the answer too.
	p := g.dial()
	p.send(requestOf("POST /refuse HTTP/1.1", "Content-Length: 5000000", "Expect: 100-continue"))
	p.send(strings.Repeat("x", 5_000_000))
	if a := p.read("POST"); a.status != 403 || a.body != "no" || !a.close {
		t.Errorf("%q %q", a.head, a.body)
	}
	p.ends()
}

// The final head and "100 Continue" come from two goroutines: the client sees either the one
// alone, which ends the connection, or the other in front of it.
func TestExpectBesideTheFinalHead(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		var reader sync.WaitGroup
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Millisecond))
		reader.Go(func() { _, _ = io.Copy(io.Discard, r.Body) })
		for range rand.IntN(1000) {
			runtime.Gosched()
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "no")
		flush(t, w)
		reader.Wait()
	})
	asked := 0
	for range 300 {
		p := g.dial()
		p.send(requestOf("POST / HTTP/1.1", "Content-Length: 10", "Expect: 100-continue"))
		a := p.read("POST")
		if a.status == 100 {
			asked++
			p.send("0123456789")
			if a = p.read("POST"); !a.close {
				p.kept()
			}
		} else if !a.close {
			t.Errorf("%q: what comes next may be the body, or a request", a.head)
		}
		if a.status != 403 || a.body != "no" || a.err != nil {
			t.Fatalf("%q %q %v", a.head, a.body, a.err)
		}
		p.Close()
	}
	t.Logf("%d of 300 were asked for their bodies", asked)
}
