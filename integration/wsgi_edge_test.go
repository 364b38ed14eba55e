package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
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
		{"HTTP/1.0 keep-alive", "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
		{"chunked", "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", true},
		{"chunked keep-alive", "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", true},
		{"chunked 404", "POST /error/fail HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},
	} {
		t.Run(c.what, func(t *testing.T) {
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
		{"bare CR in a chunk extension", post("Transfer-Encoding: chunked\r\n", "3;a\rb\r\nabc\r\n0\r\n\r\n"), "200 400", false, "*"},
		{"LF in a chunk extension", post("Transfer-Encoding: chunked\r\n", "3;a\nabc\r\n0\r\n\r\n"), "400", false, "-"},
		{"chunk extension", post("Transfer-Encoding: chunked\r\n", "3;x=\"y\"\r\nabc\r\n0\r\n\r\n"), "200", false, "abc"},
		{"trailers", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nX-Evil: 1\r\nContent-Length: 9\r\n\r\n"), "200", false, "abc"},
		{"announced trailers", post("Trailer: X-Evil\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nX-Evil: 1\r\n\r\n"), "200", false, "abc"},
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
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
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
		w := dialWire(t, s.server)
		w.send(c.request)
		if a, err := w.try("GET"); err != nil || !strings.Contains(c.statuses, fmt.Sprint(a.Status)) {
			t.Errorf("%.30q...: status %d, %v; want one of %s", c.request, a.Status, err, c.statuses)
		}
	}
}

// TestWSGIUpgrade: an upgrade to WebSocket is an ordinary GET for a WSGI app, and the log says so once.
func TestWSGIUpgrade(t *testing.T) {
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

// combined is an access log line: Apache's combined format and five values more; a sixth when the answer was cut.
var combined = regexp.MustCompile(`^(\S+) - (\S+) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)" app=(\S*) rt=(\S*) wait=(\S*) id=(\S*) worker=(\S*)( aborted=1)?$`)

// TestWSGIAccessLog: exactly one line per request, whatever became of it.
func TestWSGIAccessLog(t *testing.T) {
	dir := appDir(t, "wsgi_behaviours")
	for _, format := range []string{"combined", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			s := serveBehaviours(t, opts{Dir: t.TempDir(), Args: []string{
				"--app", "name=m,module=app:application,mount=/m,dir=" + dir, "-w", "1", "--queue", "1", "--max-body", "1000",
				"--timeout", "2s", "--access-log-format", format,
			}})
			lines := func(mark string) []string {
				var list []string
				for _, line := range s.access() {
					if strings.Contains(line, mark) {
						list = append(list, line)
					}
				}
				return list
			}
			check := func(t *testing.T, mark string, status int) {
				t.Helper()
				eventually(t, "an access log line for "+mark, func() bool { return len(lines(mark)) > 0 })
				s.settleMounted("/m/process/pid?sync=" + newID())
				got := lines(mark)
				if len(got) != 1 {
					t.Errorf("%d lines: %q", len(got), got)
				}
				if format == "json" {
					var line map[string]any
					if err := json.Unmarshal([]byte(got[0]), &line); err != nil {
						t.Fatalf("not JSON: %v: %s", err, got[0])
					}
					if line["status"] != float64(status) {
						t.Errorf("status %v, want %d: %s", line["status"], status, got[0])
					}
					return
				}
				m := combined.FindStringSubmatch(got[0])
				if m == nil {
					t.Fatalf("not a combined line: %s", got[0])
				}
				if m[5] != fmt.Sprint(status) {
					t.Errorf("status %s, want %d: %s", m[5], status, got[0])
				}
			}

			for _, c := range []struct {
				what    string
				request string // ID is the mark
				status  int
			}{
				{"200", "GET /m/echo?ID HTTP/1.1\r\nHost: a\r\n", 200},
				{"HEAD", "HEAD /m/echo?ID HTTP/1.1\r\nHost: a\r\n", 200},
				{"404 of nobody", "GET /other?ID HTTP/1.1\r\nHost: a\r\n", 404},
				{"413", "POST /m/echo?ID HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n", 413},
				{"400 of a bad chunk", "POST /m/echo?ID HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
				{"500", "GET /m/error/fail?ID HTTP/1.1\r\nHost: a\r\n", 500},
				{"500 of a bad head", "GET /m/head/status?status=abc&ID HTTP/1.1\r\nHost: a\r\n", 500},
				{"200, cut", "GET /m/iter/raise_after?ID HTTP/1.1\r\nHost: a\r\n", 200},
				{"502", "GET /m/error/die?ID HTTP/1.1\r\nHost: a\r\n", 502},
				{"504", "GET /m/error/slow?ID HTTP/1.1\r\nHost: a\r\n", 504},
				{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nUser-Agent: ID\r\nHost: a\r\n", 200},
				{"CONNECT", "CONNECT ID:1 HTTP/1.1\r\nHost: ID:1\r\n", 405},
			} {
				t.Run(c.what, func(t *testing.T) {
					id := newID()
					w := dialWire(t, s.server)
					w.send(strings.ReplaceAll(c.request, "ID", id) + "Connection: close\r\n\r\n")
					a, err := w.try(strings.Fields(c.request)[0])
					if a.Status != c.status {
						t.Errorf("status %d (%v), want %d", a.Status, err, c.status)
					}
					check(t, id, c.status)
				})
			}

			t.Run("499 and 503", func(t *testing.T) {
				gate, held := s.newGate(), newID()
				a := s.background("/m/error/hold?gate=" + gate + "&id=" + held)
				eventually(t, "the worker is held", func() bool { return s.recorded("hold "+held) == 1 })
				// Of two requests one waits in the line of one, and the other is refused.
				type try struct {
					id   string
					w    *wire
					a    *wireAnswer
					done chan struct{}
				}
				var tries []*try
				for range 2 {
					c := &try{newID(), dialWire(t, s.server), nil, make(chan struct{})}
					c.w.send("GET /m/input/counted?id=" + c.id + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
					go func() { defer close(c.done); c.a, _ = c.w.try("GET") }()
					tries = append(tries, c)
				}
				refused, leaves := tries[0], tries[1]
				select {
				case <-tries[0].done:
				case <-tries[1].done:
					refused, leaves = tries[1], tries[0]
				}
				if refused.a.Status != 503 {
					t.Fatalf("%+v, want 503", refused.a)
				}
				leaves.w.conn.Close() // before its turn
				<-leaves.done
				eventually(t, "the 499 line, while the worker is still held", func() bool { return len(lines(leaves.id)) == 1 })
				s.openGate(gate)
				<-a.done // 200, or 504 on a slow machine: not asked here
				check(t, leaves.id, 499)
				check(t, refused.id, 503)
				if s.recorded("counted "+leaves.id) != 0 {
					t.Error("the app saw a request whose client had left")
				}
			})

			t.Run("escaping", func(t *testing.T) {
				id := newID()
				w := dialWire(t, s.server)
				w.send("GET /m/echo?" + id + "\"\\\x80 HTTP/1.1\r\nHost: a\r\nReferer: \"\\ \xff\t\" 200 1\r\nUser-Agent: a\"b\\\" \xc3\xa9 \xe9\r\nAuthorization: Basic YSBiIjpj\r\nConnection: close\r\n\r\n")
				if a := w.recv("GET"); a.Status != 200 {
					t.Errorf("status %d", a.Status)
				}
				check(t, id, 200)
				line := lines(id)[0]
				if !utf8.ValidString(line) {
					t.Errorf("not UTF-8: %q", line)
				}
				for i := range len(line) {
					if line[i] < ' ' || line[i] == 0x7f {
						t.Errorf("a control byte in %q", line)
					}
				}
			})
			t.Run("health is not in it", func(t *testing.T) {
				id := newID()
				if r := s.get("/livez", "User-Agent: "+id); r.Status != 200 {
					t.Errorf("/livez: %d", r.Status)
				}
				s.settleMounted("/m/process/pid?sync=" + id)
				eventually(t, "the later request's line", func() bool { return len(lines("sync="+id)) == 1 })
				for _, line := range s.access() {
					if strings.Contains(line, "/livez") {
						t.Errorf("a line for /livez: %s", line)
					}
				}
			})
		})
	}
}

// settleMounted is settle for an app that is not at the root.
func (b *behaviours) settleMounted(path string) {
	b.t.Helper()
	eventually(b.t, path+" answers 200", func() bool { return b.get(path).Status == 200 }) // 503 while a new worker boots is no failure
}

// TestWSGIRequestID: taken from a trusted peer if it looks like one, else made; the same everywhere.
func TestWSGIRequestID(t *testing.T) {
	own := regexp.MustCompile(`^[0-9A-Za-z]{26}$`)
	for _, c := range []struct {
		what string
		args []string
		want bool // the peer is trusted
	}{
		{"trusted", []string{"--trusted-fields", "for,proto,id"}, true},
		{"untrusted", []string{"--trusted-fields", "for,proto,id", "--trusted-proxies", "10.0.0.0/8"}, false},
		{"not named", nil, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			s := serveWSGI(t, "wsgi_behaviours", c.args...)
			check := func(t *testing.T, sent string, taken bool) string {
				t.Helper()
				w := dialWire(t, s.server)
				fields := "Connection: close\r\n"
				if sent != "" {
					fields += "X-Request-ID: " + sent + "\r\n"
				}
				w.send("GET /echo?" + newID() + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n")
				a := w.recv("GET")
				id := a.field("X-Request-ID")
				if taken && id != sent || !taken && (id == sent || !own.MatchString(id)) {
					t.Errorf("sent %q, the answer's id is %q", sent, id)
				}
				e := parseEcho(t, a.Body)
				if e.Strings["standpipe.request_id"] != id {
					t.Errorf("environ has %q, the answer %q", e.Strings["standpipe.request_id"], id)
				}
				if got, ok := e.Strings["HTTP_X_REQUEST_ID"]; ok && got != id {
					t.Errorf("HTTP_X_REQUEST_ID is %q, the answer's id %q", got, id)
				}
				s.waitAccess("id=" + regexp.QuoteMeta(id) + "( |$)")
				return id
			}
			check(t, "abc-123_X.y", c.want)
			check(t, strings.Repeat("a", 128), c.want)
			check(t, strings.Repeat("a", 129), false)
			for _, bad := range []string{"a b", `a"b`, "a/b", "a,b", "\xe9", "a;b"} {
				check(t, bad, false)
			}
			first := check(t, "", false)
			time.Sleep(2 * time.Millisecond) // ids sort by the millisecond
			second := check(t, "", false)
			if first >= second {
				t.Errorf("ids do not sort by time: %q, then %q", first, second)
			}
			// The same id in the record of a failure.
			a := s.ask(t, "/error/fail")
			if r := s.waitLog(s.failureOf("/error/fail"), "app_error"); r.str("id") != a.field("X-Request-ID") || a.field("X-Request-ID") == "" {
				t.Errorf("record id %q, answer id %q", r.str("id"), a.field("X-Request-ID"))
			}
		})
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
