package http1

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/listen"
)

// Which connections end after an answer, and what the answer says of it (RFC 9112 9.3, 9.6).
func TestKeepAlive(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		g := newRigOn(t, network, Options{}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			if v := r.URL.Query().Get("connection"); v != "" {
				w.Header()["Connection"] = []string{v}
			}
			switch r.URL.Path {
			case "/end":
				recOf(w).EndConnection()
			case "/unsized":
				flush(t, w)
			}
			_, _ = io.WriteString(w, "hello")
		})
		for _, c := range []struct {
			line, field string
			says        string // the Connection field of the answer
			kept        bool
		}{
			{"GET / HTTP/1.1", "", "", true},
			{"GET / HTTP/1.1", "Connection: keep-alive", "", true},
			{"GET / HTTP/1.1", "Connection: close", "close", false},
			{"GET / HTTP/1.1", "Connection: CLOSE", "close", false},
			{"GET / HTTP/1.1", "Connection: x, close", "close", false},
			{"GET / HTTP/1.1", "Connection: keep-alive, close", "close", false},
			{"GET / HTTP/1.1", "Connection: keep-alive\r\nConnection: close", "close", false},
			{"GET / HTTP/1.1", "Connection: closed", "", true},
			{"GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c", "", true},
			{"GET / HTTP/1.7", "", "", true},
			{"GET / HTTP/1.0", "", "close", false},
			{"GET / HTTP/1.0", "Connection: keep-alive", "keep-alive", true},
			{"GET / HTTP/1.0", "Connection: Keep-Alive, TE", "keep-alive", true},
			{"GET / HTTP/1.0", "Connection: close", "close", false},
			{"GET / HTTP/1.0", "Connection: close, keep-alive", "close", false},
			{"GET /unsized HTTP/1.1", "", "", true},
			{"GET /unsized HTTP/1.1", "Connection: close", "close", false},
			{"GET /unsized HTTP/1.0", "", "close", false},
			{"GET /unsized HTTP/1.0", "Connection: keep-alive", "close", false},
			{"GET /?connection=close HTTP/1.1", "", "close", false},
			{"GET /?connection=x,%20Close HTTP/1.1", "", "close", false},
			{"GET /?connection=close HTTP/1.0", "Connection: keep-alive", "close", false},
			{"GET /?connection=keep-alive HTTP/1.1", "", "", true},
			{"GET /?connection=keep-alive HTTP/1.1", "Connection: close", "close", false},
			{"GET /end HTTP/1.1", "", "close", false},
			{"GET /end HTTP/1.0", "Connection: keep-alive", "close", false},
			{"HEAD / HTTP/1.1", "Connection: close", "close", false},
			{"HEAD / HTTP/1.1", "", "", true},
			{"HEAD / HTTP/1.0", "Connection: keep-alive", "keep-alive", true},
		} {
			p := g.dial()
			if c.field == "" {
				p.send(requestOf(c.line))
			} else {
				p.send(requestOf(c.line, c.field))
			}
			method, _, _ := strings.Cut(c.line, " ")
			a := p.read(method)
			want := "hello"
			if method == "HEAD" {
				want = ""
			}
			if a.status != 200 || a.body != want || a.err != nil || strings.Join(a.lines("Connection"), "|") != c.says {
				t.Errorf("%s %s: %q, %q, %v", c.line, c.field, a.head, a.body, a.err)
			}
			if c.kept {
				p.kept()
			} else {
				p.ends()
			}
			p.Close()
		}
	})
}

// Requests that come in one piece are answered in their order, each with its own body.
func TestPipelining(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		g := newRigOn(t, network, Options{}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/unread" {
				_, _ = io.WriteString(w, r.Method+" "+r.RequestURI+" ")
				return
			}
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, b)
		})
		large := strings.Repeat("x", 20_000)
		var all, want []string
		for i := range 60 {
			target := fmt.Sprintf("/%d", i)
			switch i % 6 {
			case 0:
				all, want = append(all, requestOf("GET "+target+" HTTP/1.1")), append(want, "GET "+target+" ")
			case 1:
				all, want = append(all, requestOf("POST "+target+" HTTP/1.1", "Content-Length: 3")+"abc"), append(want, "POST "+target+" abc")
			case 2:
				all = append(all, requestOf("PUT "+target+" HTTP/1.1", "Transfer-Encoding: chunked")+"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nT: v\r\n\r\n")
				want = append(want, "PUT "+target+" abcde")
			case 3:
				all = append(all, requestOf("POST /unread?"+target+" HTTP/1.1", "Transfer-Encoding: chunked")+"5\r\nabcde\r\n0\r\n\r\n")
				want = append(want, "POST /unread?"+target+" ")
			case 4:
				all, want = append(all, requestOf("POST /unread HTTP/1.1", "Content-Length: 20000")+large), append(want, "POST /unread ")
			case 5:
				all, want = append(all, requestOf("POST / HTTP/1.1", "Content-Length: 20000")+large), append(want, "POST / "+large)
			}
		}
		p := g.dial()
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(p.Conn, strings.Join(all, ""))
			sent <- err
		}()
		for i, body := range want {
			if a := p.read("GET"); a.status != 200 || a.body != body || a.err != nil || a.close {
				t.Fatalf("%d: %q, %.50q, want %.50q; %v", i, a.head, a.body, body, a.err)
			}
		}
		if err := wait(t, "the requests to be sent", sent); err != nil {
			t.Error(err)
		}
		p.kept()
	})
}

// A request behind one that ends the connection is not answered.
func TestNothingRunsBehindTheLastAnswer(t *testing.T) {
	runs := make(chan string, 10)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		runs <- r.RequestURI
		if r.URL.Path == "/end" {
			w.Header()["Connection"] = []string{"close"}
		}
	})
	for _, first := range []string{requestOf("GET /a HTTP/1.1", "Connection: close"), requestOf("GET /end HTTP/1.1"), "GET /a HTTP/1.0\r\n\r\n"} {
		p := g.dial()
		p.send(first + requestOf("GET /canary HTTP/1.1"))
		if a := p.read("GET"); a.status != 200 || !a.close {
			t.Errorf("%q", a.head)
		}
		p.ends()
		if target := <-runs; target == "/canary" || len(runs) != 0 {
			t.Errorf("%q: the canary ran", first)
		}
	}
}

func TestMaxRequests(t *testing.T) {
	g := newRig(t, Options{MaxRequests: 3}, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) })
	p := g.dial()
	for i := 1; i <= 3; i++ {
		if a := p.get(fmt.Sprintf("/%d", i)); a.body != fmt.Sprintf("/%d", i) || a.close != (i == 3) {
			t.Errorf("%d: %q %q", i, a.head, a.body)
		}
	}
	p.ends()
	p = g.dial() // pipelined: the fourth one is not answered
	p.send(strings.Repeat(requestOf("GET / HTTP/1.1"), 4))
	for i := 1; i <= 3; i++ {
		if a := p.read("GET"); a.status != 200 || a.close != (i == 3) {
			t.Errorf("%d: %q", i, a.head)
		}
	}
	p.ends()
}

// An empty line in front of a request is ignored (RFC 9112 2.2), a second one is not.
func TestEmptyLinesBetweenRequests(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) })
	p := g.dial()
	p.send("\r\n" + requestOf("GET /1 HTTP/1.1") + "\r\n" + requestOf("POST /2 HTTP/1.1", "Content-Length: 2") + "xx\r\n" + requestOf("GET /3 HTTP/1.1"))
	for i := 1; i <= 3; i++ {
		if a := p.read("GET"); a.status != 200 || a.body != fmt.Sprintf("/%d", i) || a.close {
			t.Errorf("%d: %q %q", i, a.head, a.body)
		}
	}
	p.send("\r") // in pieces
	p.send("\n")
	if a := p.get("/4"); a.body != "/4" {
		t.Errorf("%q %q", a.head, a.body)
	}
	p.send("\r\n\r\n" + requestOf("GET /5 HTTP/1.1"))
	if a := p.read("GET"); a.status != 400 || !a.close {
		t.Errorf("%q", a.head)
	}
	p.ends()
}
