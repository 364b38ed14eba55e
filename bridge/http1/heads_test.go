package http1

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Fields go out in the order and the spelling in which the handler gives them.
func TestHeadAsItIsGiven(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		rec := recOf(w)
		switch r.URL.Path {
		case "/fields":
			for _, f := range []httpx.Field{{Name: "x-zebra", Value: "1"}, {Name: "Content-type", Value: "text/plain"}, {Name: "X-APPLE", Value: ""}, {Name: "Set-Cookie", Value: "a=1"}, {Name: "set-cookie", Value: "b=2"}} {
				rec.Fields.Add(f.Name, f.Value)
			}
			rec.Fields.SetLength(2)
			w.Header()["X-Map"] = []string{"m"}
			rec.Phrase(200, "Quite Fine")
			rec.UseLines([]byte("Server: standpipe\r\nX-Request-Id: 1\r\n"))
			_, _ = io.WriteString(w, "ok")
		case "/date":
			rec.Fields.Add("date", "Thu, 01 Jan 1970 00:00:00 GMT")
		case "/mapdate":
			w.Header()["Date"] = []string{"Thu, 01 Jan 1970 00:00:00 GMT"}
		case "/nodate":
			w.Header()["Date"] = nil
		case "/map":
			w.Header()["B"] = []string{"2", "3"}
			w.Header()["A"] = []string{"1"}
			w.Header()["X-Lower"] = []string{"\t blank \x80\xff"}
			w.Header()["Trailer"] = []string{"X"}
			w.Header()["Transfer-Encoding"] = []string{"gzip"}
			w.Header()["transfer-encoding"] = []string{"gzip"}
		case "/length":
			w.Header()["Content-Length"] = []string{"-5"}
			_, _ = io.WriteString(w, "ok")
		}
	})
	p := g.dial()
	a := p.get("/fields")
	before, after, _ := strings.Cut(a.head, "Date: ")
	if before != "HTTP/1.1 200 Quite Fine\r\nServer: standpipe\r\nX-Request-Id: 1\r\nx-zebra: 1\r\nContent-type: text/plain\r\nX-APPLE: \r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n" ||
		!strings.HasSuffix(after, " GMT\r\nX-Map: m\r\nContent-Length: 2\r\n\r\n") || a.body != "ok" {
		t.Errorf("%q %q", a.head, a.body)
	}
	for _, target := range []string{"/date", "/mapdate"} {
		if a := p.get(target); len(append(a.lines("Date"), a.lines("date")...)) != 1 || !strings.Contains(a.head, "1970") {
			t.Errorf("%s: %q", target, a.head)
		}
	}
	if a := p.get("/nodate"); strings.Contains(a.head, "Date") {
		t.Errorf("%q", a.head)
	}
	if a := p.get("/map"); a.head[strings.Index(a.head, "GMT\r\n"):] != "GMT\r\nA: 1\r\nB: 2\r\nB: 3\r\nX-Lower: \t blank \x80\xff\r\nContent-Length: 0\r\n\r\n" {
		t.Errorf("%q", a.head)
	}
	if a := p.get("/length"); a.length != 2 || a.body != "ok" || len(a.lines("Content-Length")) != 1 {
		t.Errorf("%q", a.head)
	}
	p.kept()
}

func TestPhrases(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		status := map[string]int{"/ok": 200, "/own": 200, "/none": 299, "/named": 299, "/gone": 410, "/teapot": 418, "/long": 200}[r.URL.Path]
		switch r.URL.Path {
		case "/own", "/named":
			recOf(w).Phrase(status, "My Own")
		case "/long":
			recOf(w).Phrase(status, strings.Repeat("x", 10_000))
		case "/none":
			recOf(w).Phrase(status, "")
		}
		w.WriteHeader(status)
	})
	p := g.dial()
	for target, want := range map[string]string{"/ok": "200 OK", "/own": "200 My Own", "/none": "299 ", "/named": "299 My Own", "/gone": "410 Gone", "/teapot": "418 I'm a teapot", "/long": "200 OK"} {
		if a := p.get(target); !strings.HasPrefix(a.head, "HTTP/1.1 "+want+"\r\n") {
			t.Errorf("%s: %q", target, a.head)
		}
	}
}

// A value cannot end its line, whatever it holds, and neither can a name (RFC 9110 5.5, 5.1).
func TestNoFieldSplitsTheHead(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Crlf"] = []string{"a\r\nX-Evil: 1"}
		w.Header()["X-Lf"] = []string{"a\nX-Evil: 1"}
		w.Header()["X-Nul"] = []string{"a\x00X-Evil: 1"}
		w.Header()["X-Long"] = []string{strings.Repeat("b", 31) + "\r\n\r\nHTTP/1.1 200 OK"}
		w.Header()["X-Name\r\nX-Evil"] = []string{"1"}
		w.Header()["X-Blank name"] = []string{"1"}
		w.Header()["X-Colon: x"] = []string{"1"}
		w.Header()[""] = []string{"1"}
		if r.URL.Path == "/103" {
			w.WriteHeader(http.StatusEarlyHints)
		}
		_, _ = io.WriteString(w, "ok")
	})
	p := g.dial()
	check := func(a reply) {
		t.Helper()
		for line := range strings.SplitSeq(strings.TrimSuffix(a.head, "\r\n\r\n"), "\r\n") {
			name, _, _ := strings.Cut(line, ":")
			if strings.ContainsAny(line, "\r\n\x00") || strings.HasPrefix(line, "X-Evil") || name == "" || strings.HasPrefix(name, "X-Name") || strings.HasPrefix(name, "X-Blank") || strings.HasPrefix(name, "X-Colon") {
				t.Errorf("%q in %q", line, a.head)
			}
		}
		for _, name := range []string{"X-Crlf", "X-Lf", "X-Nul", "X-Long"} {
			if len(a.lines(name)) != 1 {
				t.Errorf("%s: %q", name, a.head)
			}
		}
	}
	a := p.get("/")
	if check(a); a.status != 200 || a.body != "ok" {
		t.Errorf("%q %q", a.head, a.body)
	}
	if a = p.get("/103"); a.status != 103 {
		t.Errorf("%q", a.head)
	}
	check(a)
	a = p.read("GET")
	if check(a); a.status != 200 || a.body != "ok" {
		t.Errorf("%q %q", a.head, a.body)
	}
	p.kept()
}

// The Date of an answer is the time of the answer (RFC 9110 6.6.1).
func TestDate(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {})
	p := g.dial()
	var seen []string
	for begun := time.Now(); len(seen) < 2 && time.Since(begun) < patience; time.Sleep(20 * time.Millisecond) { // until the next second
		before := time.Now().Truncate(time.Second)
		a := p.get("/")
		lines := a.lines("Date")
		if len(lines) != 1 {
			t.Fatalf("%q", a.head)
		}
		at, err := time.Parse(http.TimeFormat, lines[0])
		if err != nil || at.Before(before) || at.After(time.Now()) {
			t.Fatalf("%q, asked at %v: %v", lines[0], before, err)
		}
		if len(seen) == 0 || seen[len(seen)-1] != lines[0] {
			seen = append(seen, lines[0])
		}
	}
	if len(seen) < 2 {
		t.Error("the date stands still")
	}
}

// Informational answers go out at once, to clients that know them, and before the final
// head alone (RFC 9110 15.2).
func TestInformational(t *testing.T) {
	read := make(chan bool)
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Link"] = []string{"</a.css>"}
		w.Header()["Content-Length"] = []string{"2"}
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		if r.ProtoMinor > 0 {
			<-read
		}
		delete(w.Header(), "Link")
		w.WriteHeader(http.StatusOK)
		w.WriteHeader(http.StatusEarlyHints) // too late
		_, _ = io.WriteString(w, "ok")
		w.WriteHeader(http.StatusEarlyHints)
	})
	p := g.dial()
	for range 2 {
		p.send(requestOf("GET / HTTP/1.1"))
		if a := p.read("GET"); a.head != "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" {
			t.Errorf("%q", a.head)
		}
		if a := p.read("GET"); a.head != "HTTP/1.1 102 Processing\r\nLink: </a.css>\r\n\r\n" {
			t.Errorf("%q", a.head)
		}
		read <- true
		if a := p.read("GET"); a.status != 200 || a.body != "ok" || len(a.lines("Link")) != 0 || a.length != 2 {
			t.Errorf("%q %q", a.head, a.body)
		}
	}
	p = g.dial()
	p.send(requestOf("GET / HTTP/1.0"))
	if rest, err := p.rest(); err != nil || !strings.HasPrefix(rest, "HTTP/1.1 200 OK\r\n") || strings.Count(rest, "HTTP/1.1") != 1 || !strings.HasSuffix(rest, "ok") {
		t.Errorf("%q %v", rest, err)
	}
}

// The fields of one answer are not in the next one.
func TestAnswersShareNothing(t *testing.T) {
	g := newRig(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			w.Header()["X-First"] = []string{"1"}
			rec := recOf(w)
			rec.Fields.Add("X-List", "1")
			rec.UseLines([]byte("X-Line: 1\r\n"))
			rec.Phrase(200, "First")
			rec.Info.ID = "first"
			_, _ = w.Write(bytes.Repeat([]byte("f"), 3000))
			return
		}
		if len(r.Header) != 0 || recOf(w).Info.ID != "" || r.ContentLength != 0 || r.Body != http.NoBody || r.TransferEncoding != nil || len(r.Form) != 0 {
			t.Errorf("%v %q %d", r.Header, recOf(w).Info.ID, r.ContentLength)
		}
	})
	p := g.dial()
	p.send(requestOf("POST /first HTTP/1.1", "X-First: 1", "Cookie: a", "Transfer-Encoding: chunked") + "1\r\nx\r\n0\r\n\r\n")
	if a := p.read("POST"); len(a.body) != 3000 || len(a.lines("X-Line")) != 1 {
		t.Errorf("%q", a.head)
	}
	if a := p.get("/second"); strings.Contains(a.head, "X-") || !strings.HasPrefix(a.head, "HTTP/1.1 200 OK\r\n") || a.body != "" {
		t.Errorf("%q %q", a.head, a.body)
	}
}
