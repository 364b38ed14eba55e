package http1

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
)

// refused is what a Refused handler was told.
type refused struct {
	why            *Refusal
	method, target string
	info           httpx.RequestInfo
}

func refusing(c chan<- refused) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := httpx.Of(w)
		var bad *Refusal
		_ = errors.As(info.Err, &bad)
		c <- refused{bad, r.Method, r.RequestURI, *info}
		w.WriteHeader(bad.Status)
		_, _ = io.WriteString(w, "page of "+bad.Code)
	})
}

// A request that no handler gets has an answer of Options.Refused, which knows why. What
// comes behind it is discarded.
func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, network string) {
		told := make(chan refused, 10)
		g := newRigOn(t, network, Options{Refused: refusing(told), MaxHead: 4096, MaxFields: 10, MaxTarget: 100}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/good" {
				t.Errorf("%s ran", r.RequestURI)
			}
		})
		for _, c := range []struct {
			name, request, code string
			status              int
			method, target      string
		}{
			{"no host", "GET /a HTTP/1.1\r\n\r\n", "host", 400, "GET", "/a"},
			{"field", requestOf("POST /a HTTP/1.1", "Bad Name: x"), "field_name", 400, "POST", "/a"},
			{"bare LF", "GET /a HTTP/1.1\nHost: h\n\n", "bare_lf", 400, "-", "-"},
			{"two lengths", requestOf("POST /a HTTP/1.1", "Content-Length: 1", "Content-Length: 1") + "x", "content_length", 400, "POST", "/a"},
			{"both framings", requestOf("POST /a HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n", "framing", 400, "POST", "/a"},
			{"coding", requestOf("POST /a HTTP/1.1", "Transfer-Encoding: gzip, chunked"), "framing", 501, "POST", "/a"},
			{"version", requestOf("GET /a HTTP/2.0"), "version", 505, "GET", "/a"},
			{"expectation", requestOf("POST /a HTTP/1.1", "Content-Length: 1", "Expect: more"), "expect", 417, "POST", "/a"},
			{"large head", requestOf("GET /a HTTP/1.1", "X: "+strings.Repeat("x", 5000)), "max_head", 431, "-", "-"},
			{"fields", requestOf("GET /a HTTP/1.1", strings.TrimSuffix(strings.Repeat("X: y\r\n", 11), "\r\n")), "max_fields", 431, "GET", "/a"},
			{"target", requestOf("GET /" + strings.Repeat("x", 200) + " HTTP/1.1"), "max_target", 414, "GET", "/" + strings.Repeat("x", 200)},
			{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "request_line", 400, "-", "-"},
		} {
			for _, before := range []string{"", requestOf("GET /good HTTP/1.1")} {
				p := g.dial()
				p.send(before + c.request + requestOf("GET /canary HTTP/1.1"))
				if before != "" {
					if a := p.read("GET"); a.status != 200 {
						t.Errorf("%s: the request before: %q", c.name, a.head)
					}
				}
				a := p.read("GET")
				if a.status != c.status || !a.close || a.body != "page of "+c.code || a.err != nil {
					t.Errorf("%s: %q %q", c.name, a.head, a.body)
				}
				r := wait(t, "Refused", told)
				if r.why == nil || r.why.Status != c.status || r.why.Code != c.code || r.why.Text == "" || r.method != c.method || r.target != c.target {
					t.Errorf("%s: %+v, %s %s", c.name, r.why, r.method, r.target)
				}
				if n := r.info; n.Source != "server" || n.Scheme != "http" || time.Since(n.Start) > patience || (n.RemoteAddr == "127.0.0.1") != (network == "tcp") {
					t.Errorf("%s: %+v", c.name, n)
				}
				p.ends()
				p.Close()
			}
		}
	})
}

// Without a handler for them, refusals have a plain answer.
func TestRefusedByDefault(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) { t.Error("it ran") })
	p := g.dial()
	p.send("GET / HTTP/1.1\r\n\r\n")
	if a := p.read("GET"); a.status != 400 || !a.close || a.body == "" || a.fields.Get("Content-Type") == "" {
		t.Errorf("%q %q", a.head, a.body)
	}
	p.ends()
}

// A refusal arrives at a client that sends all of a body before it reads.
func TestRefusedWhileTheClientSends(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) { t.Error("it ran") })
	for range 5 {
		p := g.dial()
		p.send(requestOf("POST / HTTP/1.1", "Content-Length: 5000000", "Content-Length: 5000000") + strings.Repeat("x", 5_000_000))
		if a := p.read("POST"); a.status != 400 || !a.close {
			t.Errorf("%q", a.head)
		}
		p.ends()
		p.Close()
	}
}

// A panic of the handler for refusals ends its connection alone.
func TestRefusedPanics(t *testing.T) {
	g := newRig(t, Options{Refused: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("refused") })}, func(w http.ResponseWriter, r *http.Request) {})
	p := g.dial()
	p.send("GET / HTTP/1.1\r\n\r\n")
	p.ends()
	g.dial().kept()
	if n := strings.Count(g.logs.String(), `"@message":"panic"`); n != 1 {
		t.Errorf("%d records: %s", n, &g.logs)
	}
}

// A client that ends the connection within a head gets an answer, and one that ends it
// before a head gets none.
func TestCutHeads(t *testing.T) {
	told := make(chan refused, 10)
	g := newRig(t, Options{Refused: refusing(told)}, func(w http.ResponseWriter, r *http.Request) {})
	for _, sent := range []string{"G", "GET / HTTP/1.1\r\nHost: h\r\n", "\r\nGET"} {
		p := g.dial()
		p.send(sent)
		p.closeWrite()
		if a := p.read("GET"); a.status != 400 || !a.close {
			t.Errorf("%q: %q", sent, a.head)
		}
		p.ends()
		if r := wait(t, "Refused", told); r.why.Code != "cut_head" {
			t.Errorf("%q: %+v", sent, r.why)
		}
	}
	for _, sent := range []string{"", "\r\n"} {
		p := g.dial()
		p.send(sent)
		p.closeWrite()
		p.ends()
	}
	p := g.dial()
	p.kept()
	p.closeWrite()
	p.ends()
	if len(told) != 0 {
		t.Error("Refused was called for an idle connection")
	}
}
