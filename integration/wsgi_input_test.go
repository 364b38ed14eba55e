package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// inputReport is what the views of behaviours/inputs.py say of the body they read.
type inputReport struct {
	Pieces           []string
	Count, Length    int
	Types            []string
	Sha256           string
	ContentLength    *string `json:"content_length"`
	TransferEncoding *string `json:"transfer_encoding"`
	Expect           *string
	Terminated       any
}

func parseInput(t testing.TB, a *wireAnswer) inputReport {
	t.Helper()
	var r inputReport
	if err := json.Unmarshal([]byte(a.Body), &r); err != nil || a.Status != 200 {
		t.Fatalf("status %d, not a report: %v: %.300q", a.Status, err, a.Body)
	}
	return r
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// noise are bytes that no compression or pattern hides a mistake in; the same for each run.
func noise(size int) string {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return string(b)
}

// chunked is body in the chunked coding, in chunks of at most size bytes.
func chunked(body string, size int) string {
	var out bytes.Buffer
	for body != "" {
		n := min(size, len(body))
		fmt.Fprintf(&out, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	out.WriteString("0\r\n\r\n")
	return out.String()
}

func TestWSGIInput(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	const text = "ab\ncdefgh\n\n\nij\xffk"
	for _, c := range []struct {
		path, body string
		want       []string
	}{
		{"read", text, []string{text, ""}},
		{"read_minus", text, []string{text}},
		{"read_length", text, []string{text}},
		{"read_size?size=7", text, []string{"ab\ncdef", "gh\n\n\nij", "\xffk"}},
		{"read_zero", text, []string{"", "ab\n", "", text[3:]}},
		{"readline", text, []string{"ab\n", "cdefgh\n", "\n", "\n", "ij\xffk"}},
		{"readline_size?size=4", text, []string{"ab\n", "cdef", "gh\n", "\n", "\n", "ij\xffk"}},
		{"readline_size?size=-1", text, []string{"ab\n", "cdefgh\n", "\n", "\n", "ij\xffk"}},
		{"readlines", text, []string{"ab\n", "cdefgh\n", "\n", "\n", "ij\xffk"}},
		{"readlines_hint?size=4", text, []string{"ab\ncdefgh\n", "\n", "\n", "ij\xffk"}},
		{"readlines_hint?size=3", text, []string{"ab\n", "cdefgh\n", "\n", "\n", "ij\xffk"}},
		{"iterate", text, []string{"ab\n", "cdefgh\n", "\n", "\n", "ij\xffk"}},
		{"mixed", text, []string{"ab", "\n", "cde", "fgh\n", "\n\nij\xffk"}},
		{"short", text, []string{text[:10]}},
		{"read", "", []string{"", ""}},
		{"readline", "", nil},
		{"readlines", "", nil},
		{"iterate", "", nil},
		{"readline", "\n", []string{"\n"}},
		{"readline", "no end", []string{"no end"}},
	} {
		for _, form := range []string{"length", "chunked"} {
			if form == "chunked" && c.body == "" && strings.HasPrefix(c.path, "read_length") {
				continue
			}
			t.Run(fmt.Sprintf("%s/%q/%s", c.path, c.body, form), func(t *testing.T) {
				w := dialWire(t, s.server)
				head := "POST /input/" + c.path + " HTTP/1.1\r\nHost: a\r\n"
				if form == "length" {
					w.send(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(c.body), c.body))
				} else {
					w.send(head + "Transfer-Encoding: chunked\r\n\r\n" + chunked(c.body, 3))
				}
				r := parseInput(t, w.recv("POST"))
				var want []string
				for _, p := range c.want {
					want = append(want, latin1(p))
				}
				if !slices.Equal(r.Pieces, want) {
					t.Errorf("pieces %q, want %q", r.Pieces, want)
				}
				if r.ContentLength == nil || *r.ContentLength != fmt.Sprint(len(c.body)) {
					t.Errorf("CONTENT_LENGTH is %v, want %d", deref(r.ContentLength), len(c.body))
				}
				if r.TransferEncoding != nil || r.Terminated != true {
					t.Errorf("HTTP_TRANSFER_ENCODING %q, wsgi.input_terminated %v", deref(r.TransferEncoding), r.Terminated)
				}
				for _, kind := range r.Types {
					if kind != "bytes" {
						t.Errorf("a piece is a %s", kind)
					}
				}
				if form == "length" { // a body read short, or to its end, leaves the connection in step
					w.usable()
				}
			})
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return "(none)"
	}
	return *s
}

// TestWSGIInputUnread: what the app did not read is not the next request.
func TestWSGIInputUnread(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	trap := "GET /canary?id=unread HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, view := range []string{"none", "short"} {
		for _, size := range []int{len(trap), 70000, 1 << 20} {
			t.Run(fmt.Sprintf("%s/%d", view, size), func(t *testing.T) {
				body := (strings.Repeat(trap, size/len(trap)+1))[:size]
				w := dialWire(t, s.server)
				done := make(chan struct{})
				go func() { // the answer may come before all is written
					defer close(done)
					w.send(fmt.Sprintf("POST /input/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", view, size, body) +
						"GET /echo?after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
				}()
				defer func() { <-done }()
				if a := w.recv("POST"); a.Status != 200 {
					t.Fatalf("first answer: %+v", a)
				}
				if a := w.recv("GET"); a.Status != 200 || parseEcho(t, a.Body).Strings["QUERY_STRING"] != "after" {
					t.Fatalf("second answer: %+v", a)
				}
				if err := w.closed(); err != nil {
					t.Error(err)
				}
				if s.recorded("canary unread") != 0 {
					t.Error("bytes of the body ran as a request")
				}
			})
		}
	}
}

// TestWSGIInputBig: ten million bytes, each in its place.
func TestWSGIInputBig(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	body := noise(10_000_003)
	sum := digest(body)
	for _, path := range []string{"read", "read_size?size=65537", "readline", "iterate", "read_length", "late"} {
		for _, form := range []string{"length", "chunked"} {
			t.Run(path+"/"+form, func(t *testing.T) {
				w := dialWire(t, s.server)
				head := "POST /input/" + path + " HTTP/1.1\r\nHost: a\r\n"
				done := make(chan struct{})
				go func() {
					defer close(done)
					if form == "length" {
						w.send(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body))
					} else {
						w.send(head + "Transfer-Encoding: chunked\r\n\r\n" + chunked(body, 30011))
					}
				}()
				a := w.recv("POST")
				<-done
				if path == "late" { // echoed, between < and >
					if a.Status != 200 || len(a.Body) != len(body)+2 || digest(a.Body[1:len(a.Body)-1]) != sum {
						t.Fatalf("status %d, %d bytes came back", a.Status, len(a.Body))
					}
					return
				}
				if r := parseInput(t, a); r.Length != len(body) || r.Sha256 != sum {
					t.Errorf("%d bytes, sha256 %s; want %d, %s", r.Length, r.Sha256, len(body), sum)
				}
			})
		}
	}
}

// TestWSGIExpect: RFC 9110 10.1.1. One 100 when the body is wanted, none when it is not.
func TestWSGIExpect(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours", "--max-body", "1000", "--queue", "1")

	t.Run("once", func(t *testing.T) {
		w := dialWire(t, s.server)
		w.send("POST /input/read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
		if a, err := w.head(); err != nil || a.Status != 100 {
			t.Fatalf("got %+v, %v; want 100", a, err)
		}
		w.send("hello")
		a := w.recv("POST") // a second 100 would be this answer
		if r := parseInput(t, a); r.Pieces[0] != "hello" || r.Expect != nil {
			t.Errorf("pieces %q, HTTP_EXPECT %q", r.Pieces, deref(r.Expect))
		}
		w.usable()
	})

	t.Run("chunked", func(t *testing.T) {
		w := dialWire(t, s.server)
		w.send("POST /input/read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n")
		if a, err := w.head(); err != nil || a.Status != 100 {
			t.Fatalf("got %+v, %v; want 100", a, err)
		}
		w.send(chunked("hello", 2))
		if r := parseInput(t, w.recv("POST")); r.Pieces[0] != "hello" {
			t.Errorf("pieces %q", r.Pieces)
		}
	})

	t.Run("none for 413", func(t *testing.T) {
		id := newID()
		w := dialWire(t, s.server)
		w.send("POST /input/counted?id=" + id + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
		a := w.recv("POST")
		if a.Status != 413 {
			t.Fatalf("status %d, want 413 and no 100", a.Status)
		}
		if s.over != h2 { // there the rest of a stream is no request
			w.refusedBody(a, 1001)
		}
		s.settle()
		if s.recorded("counted "+id) != 0 || s.recorded("canary refused") != 0 {
			t.Errorf("the app saw it: %q", s.recordedLines())
		}
	})

	t.Run("none for HTTP/1.0", func(t *testing.T) {
		onlyOver(t, "HTTP/1.0", http1, https)
		w := dialWire(t, s.server)
		w.send("POST /input/read HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
		if r := parseInput(t, w.recv("POST")); r.Pieces[0] != "hello" {
			t.Errorf("pieces %q", r.Pieces)
		}
	})

	t.Run("none without a body", func(t *testing.T) {
		w := dialWire(t, s.server)
		w.send("POST /input/read HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n")
		if a := w.recv("POST"); a.Status != 200 {
			t.Errorf("status %d, want 200 at once", a.Status)
		}
	})

	t.Run("none when the queue is full", func(t *testing.T) {
		gate := s.fillQueue(t)
		id := newID()
		w := dialWire(t, s.server)
		w.send("POST /input/counted?id=" + id + " HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\nExpect: 100-continue\r\n\r\n")
		a := w.recv("POST")
		if a.Status != 503 || a.field("Retry-After") == "" {
			t.Errorf("status %d, Retry-After %q; want 503 and no 100", a.Status, a.field("Retry-After"))
		}
		if s.over != h2 {
			w.refusedBody(a, 500)
		}
		s.openGate(gate.name)
		gate.wait()
		s.settle()
		if s.recorded("counted "+id) != 0 || s.recorded("canary refused") != 0 {
			t.Errorf("the app saw it: %q", s.recordedLines())
		}
	})
}

// refusedBody: after a final answer instead of a 100 the server says that it will close. A client that sends its body
// all the same (RFC 9110 10.1.1 lets it) must not have it run as a request.
func (w *wire) refusedBody(a *wireAnswer, size int) {
	w.t.Helper()
	if !strings.EqualFold(a.field("Connection"), "close") {
		w.t.Errorf("Connection: %q, want close", a.field("Connection"))
	}
	trap := "GET /canary?id=refused HTTP/1.1\r\nHost: a\r\n\r\n"
	w.send(strings.Repeat(trap, size/len(trap)+1)[:size] + trap)
	if err := w.closed(); err != nil {
		w.t.Error(err)
	}
}

// fullLine is a server whose one worker is held and whose one waiting place is taken.
type fullLine struct {
	name string
	wait func() // until the held and the waiting request have their answers, after the gate has been opened
}

// fillQueue holds the one worker on a gate and fills a queue of one. It returns when a request has been refused:
// by then the queue is full, and stays so until the gate opens.
func (b *behaviours) fillQueue(t testing.TB) fullLine {
	t.Helper()
	name, id := b.newGate(), newID()
	path := "/error/hold?gate=" + name + "&id=" + id
	running := b.background(path)
	eventually(t, "the worker is held", func() bool { return b.recorded("hold "+id) == 1 })
	one, two := b.background(path), b.background(path)
	eventually(t, "one of two is refused, the other waits", func() bool { return !one.running() || !two.running() })
	waiting, refused := one, two
	if !one.running() {
		waiting, refused = two, one
	}
	if r := refused.wait(t); r.Status != 503 {
		t.Fatalf("the third request: status %d, want 503", r.Status)
	}
	return fullLine{name, func() {
		t.Helper()
		for _, a := range []*async{running, waiting} {
			if r := a.wait(t); r.Status != 200 {
				t.Errorf("a held request: status %d", r.Status)
			}
		}
	}}
}
