package fastcgi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/shim/wire"
)

// Another implementation of the protocol reads what we send, and we read what it sends.
func TestLikeNetHTTP(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		for _, keep := range []int{0, 2} {
			tr, _ := serving(t, network, keep, func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				env := fcgi.ProcessEnv(r)
				w.Header().Set("X-Seen", fmt.Sprint(r.Method, " ", r.URL.RequestURI(), " ", r.Host, " ", r.Header.Get("X-B"), " ", len(b), " ", err, " ", r.RemoteAddr, " ", r.TLS != nil, " ", env["SCRIPT_FILENAME"], " ", env["APP_ENV"]))
				if r.Header.Get("X-Status") != "" {
					w.WriteHeader(404)
				}
				w.Write(b)
			})
			tr.Params = []wire.Var{{Name: "APP_ENV", Value: "test"}}
			for _, size := range []int{0, 1, 32 << 10, 32<<10 + 1, 3 << 20} {
				r := request(t, "POST", strings.Repeat("x", size))
				r.Header.Set("X-B", "c")
				ctx := cgi.WithInfo(r.Context(), &cgi.Info{Scheme: "https", RemoteAddr: "192.0.2.1", RemotePort: "7", Extra: []wire.Var{{Name: "SCRIPT_FILENAME", Value: "/etc/passwd"}, {Name: "PHP_VALUE", Value: "x"}}})
				r = r.WithContext(WithScript(ctx, &Script{Path: "/a.php", Info: "/b", File: "/srv/a.php", Root: "/srv"}))
				resp, body, err := send(tr, r)
				if err != nil || len(body) != size || resp.StatusCode != 200 {
					t.Fatalf("%s %d: %d bytes of %d, %v", network, keep, len(body), size, err)
				}
				if got, want := resp.Header.Get("X-Seen"), fmt.Sprintf("POST /a%%2Fb?q=1 h c %d <nil> 192.0.2.1:7 true /srv/a.php test", size); got != want {
					t.Errorf("%s, want %s", got, want)
				}
			}
			r := request(t, "GET", "")
			r.Header.Set("X-Status", "404")
			if resp, body, err := send(tr, r); err != nil || resp.StatusCode != 404 || body != "" {
				t.Errorf("%v %q %v", resp, body, err)
			}
			if resp, body, err := send(tr, request(t, "HEAD", "")); err != nil || resp.StatusCode != 200 || body != "" {
				t.Errorf("HEAD: %v %q %v", resp, body, err)
			}
			tr.CloseIdleConnections()
		}
	}
}

// Heads that cannot be used, and those that can.
func TestHeads(t *testing.T) {
	t.Parallel()
	answer := make(chan string, 1)
	tr, _ := byHand(t, 0, usual, func(c net.Conn, _ []byte) { io.WriteString(c, <-answer) })
	for text, fault := range map[string]string{
		"HTTP/1.1 200 OK\r\nA: b":                "no field",
		"Status: 99":                             "no status",
		"Status: 101 Switching":                  "101",
		"Status: 600":                            "no status",
		"Status: 2000":                           "no status",
		"Status: 200\r\nstatus: 200":             "two Status",
		"A: b\r\n folded":                        "no field",
		"A : b":                                  "no field",
		"A: b\x00c":                              "0x00",
		"A: b\rc":                                "0x0d",
		": b":                                    "no field",
		"":                                       "no field",
		"Content-Length: -1":                     "Content-Length",
		"Content-Length: 1\r\nContent-Length: 1": "two Content-Length",
		"Transfer-Encoding: chunked":             "Transfer-Encoding",
		"A: " + strings.Repeat("x", 60000) + "\r\nB: " + strings.Repeat("x", 5000) + "\x01": "0x01",
	} {
		answer <- ok(text, "x")
		_, _, err := send(tr, request(t, "POST", ""))
		var bad *cgi.BadResponse
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), fault) {
			t.Errorf("%.60q: %v, want %q", text, err, fault)
		}
	}
	answer <- strings.Repeat(rec(typeStdout, 1, strings.Repeat("A: b\r\n", 10000), 0), 5)
	if _, _, err := send(tr, request(t, "POST", "")); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("an endless head: %v", err)
	}
	for _, c := range []struct {
		text, body string
		status     int
	}{
		{ok("Content-Type: text/plain", "x"), "x", 200},
		{rec(typeStdout, 1, "A: b\nC: d\n\nx\r\n", 0) + endRec(0, 0), "x\r\n", 200},
		{rec(typeStdout, 1, "A: ", 1) + rec(typeStdout, 1, "b\r", 2) + rec(typeStdout, 1, "\n\r", 3) + rec(typeStdout, 1, "\nx", 4) + endRec(0, 0), "x", 200},
		{ok("Status: 404", "x"), "x", 404},
		{ok("Status: 404 Not Found\r\nLocation: /y", "x"), "x", 404},
		{ok("Location: /y", ""), "", 302},
		{ok("Status: 204\r\nContent-Length: 3", "abc"), "", 204},
		{ok("Content-Length: 3", "abc"), "abc", 200},
		{ok("Content-Length: 3", "abcdef"), "abc", 200}, // never more than was declared
	} {
		answer <- c.text
		resp, body, err := send(tr, request(t, "POST", ""))
		if err != nil || resp.StatusCode != c.status || body != c.body || resp.Header["Status"] != nil {
			t.Errorf("%q: %v %q %v", c.text, resp, body, err)
		}
	}
	for _, text := range []string{rec(typeStdout, 1, "A: b\r\n\r\nabc", 0), ok("Content-Length: 5", "abc"), rec(typeStdout, 1, "A: b\r\n\r\nabc", 0) + rec(typeStdout, 1, "", 0)} {
		answer <- text
		if _, body, err := send(tr, request(t, "POST", "")); body != "abc" || err != io.ErrUnexpectedEOF {
			t.Errorf("a response that is cut off: %q %v", body, err)
		}
	}
	answer <- rec(typeStdout, 1, "A: b\r\n\r\nab", 3) + rec(typeStderr, 1, "e", 0) + rec(typeStdout, 1, "c", 1) + rec(typeStdout, 1, "", 0) + endRec(0, 0)
	if resp, body, err := send(tr, request(t, "POST", "")); err != nil || body != "abc" || resp.ContentLength != 3 || resp.Header.Get("Content-Length") != "3" {
		t.Errorf("a small response: %v %q %v", resp, body, err)
	}
	answer <- endRec(0, overloaded)
	if _, _, err := send(tr, request(t, "GET", "")); upstream.StatusOf(err) != 503 {
		t.Errorf("overloaded: %v", err)
	}
}

// Kept connections: one that died idle costs no request, and a request that may not run twice never gets one.
func TestKeptConnections(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	tr, e := byHand(t, 2, usual, func(c net.Conn, first []byte) {
		n := opened.Add(1)
		for p := first; p != nil; p = readRequest(c) {
			if p[8+2] != keepConn {
				t.Error("no FCGI_KEEP_CONN")
			}
			io.WriteString(c, ok("Content-Length: 1", fmt.Sprint(n)))
			if n == 2 { // it dies after its first response
				return
			}
		}
	})
	want := func(r *http.Request, body string) {
		t.Helper()
		if _, got, err := send(tr, r); err != nil || got != body {
			t.Errorf("%q %v, want %q", got, err, body)
		}
	}
	want(request(t, "GET", ""), "1")
	want(request(t, "GET", ""), "1")
	want(request(t, "POST", "x"), "2")
	for len(tr.pool.idle) != 2 {
		t.Fatalf("%d are idle", len(tr.pool.idle))
	}
	want(request(t, "GET", ""), "3") // the one that died is tried, and replaced
	want(request(t, "PUT", "abc"), "3")
	want(request(t, "HEAD", ""), "")
	if n := opened.Load(); n != 3 {
		t.Errorf("%d connections", n)
	}
	if list := e.of("fastcgi_repeated"); len(list) != 0 {
		t.Errorf("%v", list)
	}
	tr.CloseIdleConnections()
	want(request(t, "GET", ""), "4")
	if len(tr.pool.idle) != 0 {
		t.Error("a connection is kept after the end")
	}
}

// A connection that breaks before a response: a request that may run twice runs again, once.
func TestRepeated(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	tr, e := byHand(t, 0, usual, func(c net.Conn, p []byte) {
		if asked.Add(1)%2 == 0 {
			io.WriteString(c, ok("A: b", fmt.Sprint(len(p) > 0)))
		}
	})
	for _, c := range []struct {
		method, body string
		asked        int32
		fails        bool
	}{{"GET", "", 2, false}, {"PUT", "abc", 2, false}, {"POST", "", 1, true}, {"POST", "abc", 1, false}} {
		before := asked.Load()
		_, _, err := send(tr, request(t, c.method, c.body))
		if n := asked.Load() - before; n != c.asked || (err != nil) != c.fails {
			t.Errorf("%s %q: asked %d times, %v", c.method, c.body, n, err)
		}
	}
	if list := e.of("fastcgi_repeated"); len(list) != 2 || list[0]["method"] != "GET" || list[0]["upstream"] != "up" {
		t.Errorf("%v", list)
	}
}

// What a script prints to STDERR is in the log, bounded.
func TestErrors(t *testing.T) {
	t.Parallel()
	answer := make(chan string, 1)
	tr, e := byHand(t, 0, usual, func(c net.Conn, _ []byte) { io.WriteString(c, <-answer) })
	errs := func(s string) string { return rec(typeStderr, 1, s, 1) }
	ask := func(text string) {
		t.Helper()
		answer <- text
		r := request(t, "GET", "")
		r = r.WithContext(cgi.WithInfo(r.Context(), &cgi.Info{ID: "id7"}))
		if _, _, err := send(tr, r); err != nil {
			t.Error(err)
		}
	}
	ask(errs("PHP message: ") + errs("oh\n\xff") + ok("A: b", "x"))
	list := e.of("fastcgi_stderr")
	if len(list) != 1 || list[0]["output"] != "PHP message: oh\n?" || list[0]["id"] != "id7" || list[0]["target"] != "/a%2Fb?q=1" {
		t.Fatalf("%v", list)
	}
	many := rec(typeStdout, 1, "A: b\r\n\r\n", 0)
	for range 20 {
		many += errs(strings.Repeat("e", 3000)) + rec(typeStdout, 1, "x", 0)
	}
	ask(many + endRec(3, 0))
	if list = e.of("fastcgi_stderr")[1:]; len(list) != maxRecords || !strings.HasSuffix(list[maxRecords-1]["output"].(string), fmt.Sprintf("...+%d", 17*3000-maxErrors)) {
		t.Errorf("%d records", len(list))
	}
	if list := e.of("fastcgi_status"); len(list) != 1 || list[0]["exit"] != 3.0 {
		t.Errorf("%v", list)
	}
	q := quota{}
	now := time.Unix(1000, 0)
	for range perMinute {
		if _, ok := q.take(now); !ok {
			t.Fatal("not allowed")
		}
	}
	_, allowed := q.take(now)
	dropped, again := q.take(now.Add(time.Minute))
	if allowed || !again || dropped != 1 {
		t.Errorf("%v %v %d", allowed, again, dropped)
	}
}

// A server that answers before it has read the body is heard, and a body that is shorter than declared is not taken for complete.
func TestBodies(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	tr, _ := transport(ln, 1, usual)
	complete := make(chan bool, 1)
	go func() { // ends with the listener
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p := make([]byte, 600)
			n, _ := c.Read(p)
			if bytes.Contains(p[:n], []byte("HTTP_X_EARLY")) {
				io.WriteString(c, ok("A: b", "early"))
				complete <- readRequest(c) != nil
			} else {
				complete <- readRequest(io.MultiReader(bytes.NewReader(p[:n]), c)) != nil
			}
			c.Close()
		}
	}()
	r := request(t, "PUT", "")
	r.Header.Set("X-Early", "1")
	pr, pw := io.Pipe()
	r.Body, r.ContentLength = pr, 1<<20
	if _, body, err := send(tr, r); err != nil || body != "early" {
		t.Errorf("%q %v", body, err)
	}
	if <-complete || len(tr.pool.idle) != 0 {
		t.Error("half a request looks complete")
	}
	if _, err := pw.Write([]byte("x")); err == nil {
		t.Error("the body is still read")
	}
	r = request(t, "PUT", "")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader("abc")), 10
	if _, _, err := send(tr, r); err != io.ErrUnexpectedEOF {
		t.Errorf("%v", err)
	}
	if <-complete {
		t.Error("a short body looks complete")
	}
	r.ContentLength = -1
	if _, _, err := send(tr, r); err != errNoLength {
		t.Errorf("%v", err)
	}
}

// FuzzHead: whatever comes on STDOUT, what is taken is a head that can be handed on.
func FuzzHead(f *testing.F) {
	f.Add("Status: 200 OK\r\nA: b\r\n\r\nx", "GET")
	f.Add("Location: /x\n\n", "HEAD")
	f.Add("Content-Length: 18446744073709551616\r\n\r\n", "GET")
	f.Fuzz(func(t *testing.T, text, method string) {
		req := &http.Request{Method: method}
		tr := NewTransport(upstream.Dialer{}, Options{})
		x := &exchange{Call: upstream.NewCall(textConn{}, upstream.Timeouts{}, req), t: tr, req: req}
		x.errors = errorLog{x: x}
		if len(text) > 60000 {
			return
		}
		s, _ := newStream(rec(typeStdout, 1, text, 0) + endRec(0, 0))
		x.stream, x.c = *s, &conn{br: s.br}
		resp, err := x.head()
		if err != nil {
			return
		}
		if resp.StatusCode < 200 || resp.StatusCode > 599 {
			t.Fatalf("status %d", resp.StatusCode)
		}
		for name, values := range resp.Header {
			if strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") || name == "" {
				t.Fatalf("%q: %q", name, values)
			}
		}
		if b, err := io.ReadAll(resp.Body); err == nil && resp.ContentLength >= 0 && int64(len(b)) != resp.ContentLength && resp.StatusCode != 304 && method != "HEAD" {
			t.Fatalf("%d bytes of %d", len(b), resp.ContentLength)
		}
		resp.Body.Close()
	})
}

type textConn struct{ net.Conn }

func (textConn) Close() error { return nil }
