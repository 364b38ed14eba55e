package integration

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// combined is an access log line: Apache's combined format and five values more; a sixth when the answer was cut.
var combined = regexp.MustCompile(`^(\S+) - (\S+) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)" app=(\S*) rt=(\S*) wait=(\S*) id=(\S*) worker=(\S*)( aborted=1)?$`)

// TestWSGIAccessLog: exactly one line per request, whatever became of it.
func TestWSGIAccessLog(t *testing.T) {
	dir := appDir(t, "wsgi_behaviours")
	for _, format := range []string{"combined", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			s := serveBehaviours(t, opts{Dir: t.TempDir(), Args: []string{
				"--app", "name=m,module=app:application,mount=/m,dir=" + dir, "--app", "name=slow,module=app:application,mount=/slow,timeout=1s,dir=" + dir,
				"-w", "1", "--queue", "1", "--max-body", "1000", "--access-log-format", format,
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
				{"504", "GET /slow/error/slow?ID HTTP/1.1\r\nHost: a\r\n", 504},
				{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nUser-Agent: ID\r\nHost: a\r\n", 200},
				{"CONNECT", "CONNECT ID:1 HTTP/1.1\r\nHost: ID:1\r\n", 405},
			} {
				t.Run(c.what, func(t *testing.T) {
					if strings.Contains(c.what, "chunk") {
						onlyOver(t, "HTTP/2 has no chunks", http1, https)
					}
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
				gate, waiting := s.newGate(), newID()
				a := s.background("/m/error/hold?gate=" + gate + "&id=" + waiting)
				eventually(t, "the worker is held", func() bool { return s.recorded("hold "+waiting) == 1 })
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
				disconnect(leaves.w.conn) // while it is in the queue
				<-leaves.done
				eventually(t, "the 499 line, while the worker is still held", func() bool { return len(lines(leaves.id)) == 1 })
				s.openGate(gate)
				if r := a.wait(t); r.Status != 200 {
					t.Errorf("the held request: status %d", r.Status)
				}
				check(t, leaves.id, 499)
				check(t, refused.id, 503)
				if s.recorded("counted "+leaves.id) != 0 {
					t.Error("the app saw a request whose client had left")
				}
			})

			t.Run("escaping", func(t *testing.T) {
				id := newID()
				w := dialWire(t, s.server)
				w.send("GET /m/echo?" + id + "\"\\ HTTP/1.1\r\nHost: a\r\nReferer: \"\\ \xff\t\" 200 1\r\nUser-Agent: a\"b\\\" \xc3\xa9 \xe9\r\nAuthorization: Basic YSBiIjpj\r\nConnection: close\r\n\r\n")
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
