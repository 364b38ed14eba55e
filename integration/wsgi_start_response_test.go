package integration

import (
	"strings"
	"testing"
)

// TestWSGIStartResponse: PEP 3333, "The start_response() Callable" and "The write() Callable".
func TestWSGIStartResponse(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")

	t.Run("good", func(t *testing.T) {
		for _, c := range []struct {
			path           string
			status         int
			reason, body   string
			with, without  string // fields
			contentLength  string // "" for whatever
			noLengthNeeded bool
		}{
			{path: "late", status: 201, reason: "Late", body: "late"},
			{path: "late_class", status: 201, reason: "Late", body: "onetwo"},
			{path: "exc_before", status: 503, reason: "Mind Changed", body: "changed", with: "X-Second", without: "X-First"},
			{path: "held", status: 418, reason: "Held", body: "held", with: "X-Second", without: "X-First"},
			{path: "write", status: 200, reason: "OK", body: "ab"},
			{path: "write_mixed", status: 200, reason: "OK", body: "abcd"},
			{path: "write_generator", status: 200, reason: "OK", body: "abc"},
			{path: "write_length", status: 200, reason: "OK", body: "abcd", contentLength: "4"},
		} {
			t.Run(c.path, func(t *testing.T) {
				w := dialWire(t, s.server)
				w.send("GET /start/" + c.path + " HTTP/1.1\r\nHost: a\r\n\r\n")
				a := w.recv("GET")
				if a.Status != c.status || a.Body != c.body {
					t.Errorf("%d %q, want %d %q", a.Status, a.Body, c.status, c.body)
				}
				if c.with != "" && a.field(c.with) == "" {
					t.Errorf("%s is missing", c.with)
				}
				if c.without != "" && a.field(c.without) != "" {
					t.Errorf("%s of the first head is there", c.without)
				}
				if c.contentLength != "" && a.field("Content-Length") != c.contentLength {
					t.Errorf("Content-Length %q", a.field("Content-Length"))
				}
				w.usable()
			})
		}
	})

	// Mistakes before anything went out: 500 for the client, the reason in the log, and the worker and the connection go on.
	t.Run("mistakes", func(t *testing.T) {
		for _, c := range []struct{ path, reason string }{
			{"twice", "AssertionError"},
			{"never", "start_response"},
			{"never_empty", "start_response"},
			{"never_generator", "start_response"},
			{"status_int", "int"},
			{"status_bytes", "bytes"},
			{"headers_none", ""},
			{"headers_dict", "dict"},
			{"name_bytes", "bytes"},
			{"value_int", "int"},
			{"value_none", "None"},
			{"triple", ""},
			{"write_str", "str"},
		} {
			t.Run(c.path, func(t *testing.T) {
				w := dialWire(t, s.server)
				w.send("GET /start/" + c.path + " HTTP/1.1\r\nHost: a\r\n\r\n")
				if a := w.recv("GET"); a.Status != 500 || strings.Contains(a.Body, "Traceback") {
					t.Errorf("status %d, body %.200q", a.Status, a.Body)
				}
				w.usable()
				r := s.waitLog(s.failureOf("/start/"+c.path), "the failure of /start/"+c.path)
				text := r.str("error") + r.str("reason") + r.str("message") + r.str("traceback")
				if r.str("app") == "" || !strings.Contains(text, c.reason) {
					t.Errorf("the record does not say %q: %v", c.reason, r)
				}
			})
		}
	})

	// Failures after the head: the answer is cut so that the client can tell, and the log says why.
	t.Run("after the head", func(t *testing.T) {
		for path, reason := range map[string]string{"exc_after": "too late for a head", "write_raise": "after write"} {
			t.Run(path, func(t *testing.T) {
				a, err := s.exchange(t, "/start/"+path)
				if err == nil {
					t.Errorf("a broken answer looks whole: %+v", a)
				}
				if a.Status != 200 || !strings.HasPrefix("begun", a.Body) {
					t.Errorf("status %d, body %q", a.Status, a.Body)
				}
				r := s.waitLog(s.failureOf("/start/"+path), "the failure of /start/"+path)
				if text := r.str("error") + r.str("traceback"); !strings.Contains(text, reason) {
					t.Errorf("the record does not say %q: %v", reason, r)
				}
				s.settle()
			})
		}
	})

	// PEP 3333: the exc_info must not be kept, or every frame of the traceback lives on.
	t.Run("exc_info is let go", func(t *testing.T) {
		s.want(200, "/start/exc_info_kept")
		if got := s.want(200, "/start/exc_info_report").Body; got != "gone" {
			t.Errorf("the traceback's frame is %s", got)
		}
	})
}

// TestWSGIClose: close() is called once in every path.
func TestWSGIClose(t *testing.T) {
	for _, args := range [][]string{{"-w", "1"}, {"-w", "1", "--threads", "2"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			s := serveWSGI(t, "wsgi_behaviours", args...)
			for _, c := range []struct {
				view, method string
				status       int  // 0: whatever
				cut          bool // the answer must not look whole
			}{
				{"finish", "GET", 200, false},
				{"one", "GET", 200, false},
				{"as_list", "GET", 200, false},
				{"empty", "GET", 200, false},
				{"finish", "HEAD", 200, false},
				{"one", "HEAD", 200, false},
				{"as_list", "HEAD", 200, false},
				{"raise_first", "GET", 500, false},
				{"raise_later", "GET", 200, true},
				{"no_start", "GET", 500, false},
				{"late_twice", "GET", 500, false},
				{"exc_after", "GET", 200, true},
				{"no_content", "GET", 204, false},
				{"not_modified", "GET", 304, false},
				{"bad_field", "GET", 500, false},
				{"wrong_type", "GET", 500, false},
				{"too_long", "GET", 200, false},
				{"too_short", "GET", 0, true},
				{"close_raises", "GET", 0, false},
				{"write_then", "GET", 200, false},
			} {
				t.Run(c.view+"/"+c.method, func(t *testing.T) {
					id := newID()
					w := dialWire(t, s.server)
					w.send(c.method + " /close/" + c.view + "?id=" + id + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
					a, err := w.try(c.method)
					if c.status != 0 && a.Status != c.status {
						t.Errorf("status %d, want %d", a.Status, c.status)
					}
					if c.cut && err == nil && a.Status != 500 {
						t.Errorf("a broken answer looks whole: %+v", a)
					}
					if !c.cut && err != nil && c.view != "close_raises" {
						t.Errorf("%v after %+v", err, a)
					}
					s.closedOnce(t, id)
				})
			}
			// The client leaves while the answer is under way.
			for _, view := range []string{"endless", "generator", "gated"} {
				t.Run(view+"/client leaves", func(t *testing.T) {
					id, gate := newID(), s.newGate()
					w := dialWire(t, s.server)
					w.send("GET /close/" + view + "?id=" + id + "&gate=" + gate + " HTTP/1.1\r\nHost: a\r\n\r\n")
					if _, err := w.head(); err != nil {
						t.Fatal(err)
					}
					if _, err := w.br.Peek(1); err != nil {
						t.Fatal(err)
					}
					w.conn.Close()
					s.openGate(gate)
					s.closedOnce(t, id)
				})
			}
		})
	}
}

// closedOnce waits for the close of that id, lets the worker go through one more request, and counts again.
func (b *behaviours) closedOnce(t testing.TB, id string) {
	t.Helper()
	eventually(t, "close() is called", func() bool { return b.recorded("close "+id) > 0 })
	b.settle()
	if n := b.recorded("close " + id); n != 1 {
		t.Errorf("close() was called %d times", n)
	}
}
