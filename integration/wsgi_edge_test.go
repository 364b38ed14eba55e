package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestWSGIConnection: after an HTTP/1.0 or a chunked request the connection ends, whatever the client asks for.
func TestWSGIConnection(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	for _, c := range []struct {
		what, request string
		closes        bool
	}{
		{"HTTP/1.1", "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"HTTP/1.1 with a body", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", false},
		{"HTTP/1.1 close", "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true},
		{"HTTP/1.0", "GET /echo HTTP/1.0\r\n\r\n", true},
		{"HTTP/1.0 keep-alive", "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
		{"chunked", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false},
		{"chunked keep-alive", "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false},
		{"chunked 404", "POST /error/fail HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			if c.closes || strings.Contains(c.what, "1.0") {
				onlyOver(t, "HTTP/2 has no field Connection", http1, https)
			}
			w := dialWire(t, s.server)
			w.send(c.request)
			a := w.recv(strings.Fields(c.request)[0])
			if says := strings.EqualFold(a.field("Connection"), "close"); says != c.closes && (c.closes || a.field("Connection") != "") {
				t.Errorf("Connection: %q", a.field("Connection"))
			}
			if !c.closes {
				w.usable()
				return
			}
			if err := w.closed(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWSGISmuggling sends messages whose end is in dispute, each followed by a canary in the same segment. The canary
// may run only where RFC 9112 leaves no doubt where the first message ends.
func TestWSGISmuggling(t *testing.T) {
	onlyOver(t, "where a request ends is in dispute in HTTP/1.1 alone; bridge/h2 is tested with frames", http1, https)
	s := serveWSGI(t, "wsgi_behaviours")
	post := func(fields, body string) string {
		return "POST /environ/posted?id=ID HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body
	}
	get := func(fields string) string { return "GET /echo HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" }
	for _, c := range []struct {
		what, message string
		statuses      string // those allowed for the first message
		canary        bool   // the first message is clear: the canary may run
		posted        string // the body that the app may see; "-": the app must not see the message at all; "*": no matter
	}{
		{"CL and TE", post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "200 400", false, "*"},
		{"TE and CL", post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", "0\r\n\r\n"), "200 400", false, "*"},
		{"CL and TE, CL hides the canary", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "1\r\nZ\r\n0\r\n\r\n"), "200 400", false, "*"},
		{"HTTP/1.0 keep-alive and TE", "POST /echo HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200 400 501", false, "*"},
		{"HTTP/1.0 keep-alive, TE and no chunk", "POST /echo HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n", "200 400 501", false, "*"},
		{"two equal CL", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), "200 400", true, "abc"},
		{"two different CL", post("Content-Length: 3\r\nContent-Length: 0\r\n", "abc"), "400", false, "-"},
		{"CL list", post("Content-Length: 3, 3\r\n", "abc"), "400", false, "-"},
		{"CL with a plus", post("Content-Length: +3\r\n", "abc"), "400", false, "-"},
		{"CL with a minus", post("Content-Length: -3\r\n", "abc"), "400", false, "-"},
		{"CL hexadecimal", post("Content-Length: 0x3\r\n", "abc"), "400", false, "-"},
		{"CL empty", post("Content-Length:\r\n", "abc"), "400", false, "-"},
		{"CL with an underscore", post("Content-Length: 1_0\r\n", "abcdefghij"), "400", false, "-"},
		{"CL beyond 63 bits", post("Content-Length: 18446744073709551619\r\n", "abc"), "400 413", false, "-"},
		{"CL with a space inside", post("Content-Length: 1 1\r\n", "abcdefghijk"), "400", false, "-"},
		{"TE xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "400 501", false, "-"},
		{"TE gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "400 501", false, "-"},
		{"TE chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), "400 501", false, "-"},
		{"TE identity and CL", post("Transfer-Encoding: identity\r\nContent-Length: 3\r\n", "abc"), "400 501", false, "-"},
		{"two TE", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), "400 501", false, "-"},
		{"two TE chunked", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400 501", false, "-"},
		{"TE with a vertical tab", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), "400 501", false, "-"},
		{"TE in quotes", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), "400 501", false, "-"},
		{"TE empty", post("Transfer-Encoding:\r\nContent-Length: 3\r\n", "abc"), "400 501", false, "-"},
		{"TE with a space before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), "400", false, "-"},
		{"TE with an underscore", post("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), "200 400", true, "0\r\n\r\n"},
		{"NUL in a value", get("X-A: a\x00b\r\n"), "400", false, "*"},
		{"bare CR in a value", get("X-A: a\rTransfer-Encoding: chunked\r\n"), "400", false, "*"},
		{"NUL in a name", get("X\x00A: b\r\n"), "400", false, "*"},
		{"space in a name", get("X A: b\r\n"), "400", false, "*"},
		{"no colon", get("nonsense\r\n"), "400", false, "*"},
		{"empty name", get(": b\r\n"), "400", false, "*"},
		{"no Host", "GET /echo HTTP/1.1\r\n\r\n", "400", false, "*"},
		{"two Host", "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400", false, "*"},
		{"bad Host", "GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n", "400", false, "*"},
		{"fold of a TE", post("X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "abc"), "200 400", true, "abc"},
		{"fold at the start", "POST /environ/posted?id=ID HTTP/1.1\r\n Content-Length: 3\r\nHost: a\r\n\r\nabc", "400", false, "-"},
		{"bad percent", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400", false, "*"},
		{"control byte in the target", "GET /a\x01b HTTP/1.1\r\nHost: a\r\n\r\n", "400", false, "*"},
		{"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400", false, "*"},
		{"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", "400", false, "*"},
		{"HTTP/0.9", "GET /echo\r\n\r\n", "400", false, "*"},
		{"HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 405 505", false, "*"},
		{"HTTP/3.0", "GET /echo HTTP/3.0\r\nHost: a\r\n\r\n", "400 505", false, "*"},
		{"bad version", "GET /echo HTTP/1.1x\r\nHost: a\r\n\r\n", "400 505", false, "*"},
		{"bad method", "G(T /echo HTTP/1.1\r\nHost: a\r\n\r\n", "400", false, "*"},
		{"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", "400 405 501", true, "*"},
		{"GET with a body", get("Content-Length: 3\r\n") + "abc", "200", true, "*"},
		{"chunk size with a plus", post("Transfer-Encoding: chunked\r\n", "+3\r\nabc\r\n0\r\n\r\n"), "400", false, "-"},
		{"chunk size hexadecimal", post("Transfer-Encoding: chunked\r\n", "0x3\r\nabc\r\n0\r\n\r\n"), "400", false, "-"},
		{"chunk size with a minus", post("Transfer-Encoding: chunked\r\n", "-3\r\nabc\r\n0\r\n\r\n"), "400", false, "-"},
		{"chunk size too big", post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), "400 413", false, "-"},
		{"chunk size empty", post("Transfer-Encoding: chunked\r\n", "\r\nabc\r\n0\r\n\r\n"), "400", false, "-"},
		{"chunk size line ends with LF", post("Transfer-Encoding: chunked\r\n", "3\nabc\r\n0\r\n\r\n"), "400", false, "-"},
		{"chunk data ends badly", post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n"), "400", false, "-"},
		{"bare CR in a chunk extension", post("Transfer-Encoding: chunked\r\n", "3;a\rb\r\nabc\r\n0\r\n\r\n"), "400", false, "-"},
		{"LF in a chunk extension", post("Transfer-Encoding: chunked\r\n", "3;a\nabc\r\n0\r\n\r\n"), "400", false, "-"},
		{"chunk extension", post("Transfer-Encoding: chunked\r\n", "3;x=\"y\"\r\nabc\r\n0\r\n\r\n"), "200", true, "abc"},
		{"trailers", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nX-Evil: 1\r\nContent-Length: 9\r\n\r\n"), "200", true, "abc"},
		{"announced trailers", post("Trailer: X-Evil\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nX-Evil: 1\r\n\r\n"), "200", true, "abc"},
		{"head too large", get("X-A: " + strings.Repeat("a", 200<<10) + "\r\n"), "400 431", false, "*"},
		{"h2c upgrade", get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"), "200", true, "*"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			id := newID()
			message := strings.ReplaceAll(c.message, "ID", id) + "GET /canary?id=" + id + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
			conn, err := s.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			// A server that waits for more is safe too: then the end comes by this deadline.
			_ = conn.SetDeadline(time.Now().Add(patience))
			_, _ = io.WriteString(conn, message)
			answer, _ := io.ReadAll(conn)
			conn.Close()
			var status string
			if n, _ := fmt.Sscanf(string(answer), "HTTP/1.1 %3s", &status); n == 1 {
				if !strings.Contains(c.statuses, status) {
					t.Errorf("status %s, want one of %s", status, c.statuses)
				}
			} else if !strings.HasPrefix(string(answer), "HTTP/1.0 ") || !strings.Contains(c.statuses, string(answer[9:12])) {
				t.Errorf("no status line, want one of %s: %.100q", c.statuses, answer)
			}
			s.settle()
			switch n := s.recorded("canary " + id); {
			case n > 1:
				t.Errorf("the canary ran %d times", n)
			case n == 1 && !c.canary:
				t.Errorf("the canary ran; the answers: %.400q", answer)
			case n == 0 && c.canary && strings.Contains(string(answer), " 200 OK\r\n") && strings.Count(string(answer), "Connection: close") == 0:
				t.Errorf("the canary did not run though the first message is clear: %.400q", answer)
			}
			for _, line := range s.recordedLines() {
				body, ok := strings.CutPrefix(line, "posted "+id+" ")
				switch {
				case !ok || c.posted == "*":
				case c.posted == "-":
					t.Errorf("the app saw the message, with the body %q", body)
				case body != strings.Split(c.posted, "\n")[0]: // the record is one line
					t.Errorf("the app saw the body %q, want %q", body, c.posted)
				}
			}
			if strings.Contains(string(answer), "HTTP_X_EVIL") {
				t.Error("a trailer became a field")
			}
		})
	}
}

// TestWSGITargets: the forms of a target that are no path of an app's.
func TestWSGITargets(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	w := dialWire(t, s.server)
	w.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
	if a := w.recv("OPTIONS"); a.Status != 200 || strings.Contains(a.Body, "wsgi") {
		t.Errorf("OPTIONS *: %+v", a)
	}
	w.usable()
	for _, c := range []struct{ request, statuses string }{
		{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
		{"GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
		{"GET /" + strings.Repeat("a", 60<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", "200 414 431"},
		{"GET /" + strings.Repeat("a", 200<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", "414 431"},
	} {
		if s.over == h2 && !strings.HasPrefix(c.request, "GET * ") {
			continue // no such target; a head has at most 32 KiB, and a connection with a larger one may end
		}
		w := dialWire(t, s.server)
		w.send(c.request)
		if a, err := w.try("GET"); err != nil || !strings.Contains(c.statuses, fmt.Sprint(a.Status)) {
			t.Errorf("%.30q...: status %d, %v; want one of %s", c.request, a.Status, err, c.statuses)
		}
	}
}

// TestWSGIUpgrade: an upgrade to WebSocket is an ordinary GET for a WSGI app, and the log says so once.
func TestWSGIUpgrade(t *testing.T) {
	onlyOver(t, "HTTP/2 has no field Upgrade", http1, https)
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	w := dialWire(t, s.server)
	for range 2 {
		w.send("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		a := w.recv("GET")
		if a.Status != 200 || a.field("Upgrade") != "" || parseEcho(t, a.Body).Strings["REQUEST_METHOD"] != "GET" {
			t.Errorf("%+v", a)
		}
	}
	w.usable()
	if r := s.waitEvent("websocket_ignored"); r.str("app") == "" {
		t.Errorf("the record names no app: %v", r)
	}
	if n := len(s.events("websocket_ignored")); n != 1 {
		t.Errorf("%d websocket_ignored records, want 1", n)
	}
}

// TestWSGISlowClients: a client that is slow with its head or body holds no worker.
func TestWSGISlowClients(t *testing.T) {
	s := serveWSGI(t, "wsgi_behaviours")
	var slow []net.Conn
	for i := range 20 {
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(c, "POST /input/read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
		} else {
			_, _ = io.WriteString(c, "GET /echo HTTP/1.1\r\nHost: a\r\nX-A: ")
		}
		slow = append(slow, c)
	}
	for range 10 {
		s.settle()
	}
	for i, c := range slow {
		if i%2 == 0 {
			w := &wire{t: t, conn: c, br: bufio.NewReader(c)}
			_ = c.SetDeadline(time.Now().Add(patience))
			w.send("defghij")
			if r := parseInput(t, w.recv("POST")); r.Pieces[0] != "abcdefghij" {
				t.Errorf("pieces %q", r.Pieces)
			}
		}
	}
}
