package integration

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestWSGINoBody: HEAD, 204 and 304 have no body whatever the app yields (RFC 9110 9.3.2, 15.3.5, 15.4.5). A second,
// pipelined request shows that no byte of one was sent.
func TestWSGINoBody(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	for _, c := range []struct{ method, status string }{
		{"HEAD", "200 OK"}, {"GET", "204 No Content"}, {"GET", "304 Not Modified"}, {"HEAD", "204 No Content"},
		{"HEAD", "304 Not Modified"}, {"HEAD", "404 Not Found"}, {"POST", "204 No Content"},
	} {
		for _, body := range []string{"list", "generator", "long", "empty"} {
			for _, length := range []string{"", "10"} {
				t.Run(fmt.Sprintf("%s %s/%s/%s", c.method, c.status[:3], body, length), func(t *testing.T) {
					path := "/head/any?body=" + body + "&status=" + url.QueryEscape(c.status)
					if length != "" {
						path += "&length=" + length
					}
					w := dialWire(t, s.server)
					head := c.method + " " + path + " HTTP/1.1\r\nHost: a\r\n"
					if c.method == "POST" {
						head += "Content-Length: 0\r\n"
					}
					w.send(head + "\r\nGET /echo?after HTTP/1.1\r\nHost: a\r\n\r\n")
					a := w.recv(c.method)
					if got := fmt.Sprintf("%d %s", a.Status, a.Reason); got != c.status {
						t.Errorf("status line %q, want %q", got, c.status)
					}
					if strings.HasPrefix(c.status, "204") && (a.field("Transfer-Encoding") != "" || a.field("Content-Length") != "") {
						t.Errorf("a 204 with framing fields: %v", a.Fields) // RFC 9110 8.6, RFC 9112 6.1
					}
					if c.method == "HEAD" && c.status == "200 OK" && length != "" && a.field("Content-Length") != length {
						t.Errorf("Content-Length of HEAD is %q, the app said %s", a.field("Content-Length"), length)
					}
					second := w.recv("GET")
					if second.Status != 200 || parseEcho(t, second.Body).Strings["QUERY_STRING"] != "after" {
						t.Errorf("the second answer: %+v", second)
					}
				})
			}
		}
	}
}

// TestWSGILength: PEP 3333, "Handling the Content-Length Header", and what happens when the app miscounts.
func TestWSGILength(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	mismatch := func(path string) func(record) bool {
		return func(r record) bool {
			return r.event() == "content_length_mismatch" && strings.Contains(r.str("target"), path)
		}
	}
	for _, body := range []string{"list", "generator", "long"} {
		t.Run("too long/"+body, func(t *testing.T) {
			path := "/head/any?status=200+OK&length=4&body=" + body
			w := dialWire(t, s.server)
			w.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\nGET /echo?after HTTP/1.1\r\nHost: a\r\n\r\n")
			a := w.recv("GET")
			if a.Status != 200 || a.field("Content-Length") != "4" || len(a.Body) != 4 {
				t.Errorf("%+v, want 4 bytes", a)
			}
			// The connection may go on or end, but no byte too many may stand where the next answer begins.
			if second, err := w.try("GET"); err == nil && parseEcho(t, second.Body).Strings["QUERY_STRING"] != "after" {
				t.Errorf("the second answer: %+v", second)
			} else if err != nil && second.Proto != "" {
				t.Errorf("the second answer: %+v, %v", second, err)
			}
			if r := s.waitLog(mismatch(path), "content_length_mismatch"); r.str("app") == "" {
				t.Errorf("the record names no app: %v", r)
			}
		})
		t.Run("too short/"+body, func(t *testing.T) {
			path := "/head/any?status=200+OK&length=1000000&body=" + body
			a, err := s.exchange(t, path)
			if err == nil && a.Status != 500 {
				t.Errorf("a short answer looks whole: status %d, %d bytes", a.Status, len(a.Body))
			}
			if r := s.waitLog(mismatch(path), "content_length_mismatch"); r.str("app") == "" {
				t.Errorf("the record names no app: %v", r)
			}
			s.settle()
		})
	}
	for _, length := range []string{"abc", "-5", "+5", "5,5", "0x5", "1e1", "99999999999999999999"} {
		t.Run("not a length/"+length, func(t *testing.T) {
			path := "/head/any?status=200+OK&length=" + url.QueryEscape(length)
			w := dialWire(t, s.server)
			w.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
			if a := w.recv("GET"); a.Status != 500 {
				t.Errorf("status %d, fields %v", a.Status, a.Fields)
			}
			w.usable()
			s.waitLog(s.failureOf(path), "the refusal of "+path)
		})
	}
	t.Run("two lengths", func(t *testing.T) {
		a, err := s.exchange(t, "/head/two_lengths")
		if err == nil && a.Status != 500 && len(a.all("Content-Length")) != 1 {
			t.Errorf("%+v", a)
		}
	})
}

// TestWSGIFields: order and spelling are the app's.
func TestWSGIFields(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")

	t.Run("order and spelling", func(t *testing.T) {
		a := s.ask(t, "/head/cookies")
		if got := a.all("Set-Cookie"); !slices.Equal(got, []string{"one=1; Path=/", "two=2", "three=3"}) {
			t.Errorf("Set-Cookie %q", got)
		}
		if got := a.all("WWW-Authenticate"); !slices.Equal(got, []string{"Basic", "Digest"}) {
			t.Errorf("WWW-Authenticate %q", got)
		}
		onlyOver(t, "names are in lower case in HTTP/2", http1, https)
		for _, want := range [][2]string{{"x-lower-case", "l"}, {"X-UPPER-CASE", "U"}, {"x-MiXeD", "m"}, {"ETag", `"e"`}, {"X-Empty", ""}, {"X-Latin", "caf\xe9"}} {
			if !slices.Contains(a.Fields, want) {
				t.Errorf("no field %q in %q", want, a.Fields)
			}
		}
	})
	t.Run("nothing invented", func(t *testing.T) {
		a := s.ask(t, "/head/bare")
		if got := a.all("Content-Type"); len(got) != 0 {
			t.Errorf("Content-Type %q: the app gave none", got)
		}
		if got := a.all("Date"); len(got) != 1 || !strings.HasSuffix(got[0], " GMT") {
			t.Errorf("Date %q", got) // RFC 9110 6.6.1: an origin server with a clock sends it
		}
		if got := a.all("Server"); !slices.Equal(got, []string{"standpipe"}) {
			t.Errorf("Server %q", got)
		}
	})
	for _, path := range []string{"/head/own_date", "/head/own_date_lower"} {
		t.Run(path, func(t *testing.T) {
			a := s.ask(t, path)
			if got := a.all("Date"); !slices.Equal(got, []string{"Tue, 15 Nov 1994 08:12:31 GMT"}) {
				t.Errorf("Date %q", got)
			}
			if got := a.all("Server"); len(got) != 1 {
				t.Errorf("Server %q", got)
			}
			if got := a.all("Content-Length"); len(got) > 1 {
				t.Errorf("Content-Length %q", got)
			}
		})
	}
	t.Run("hop-by-hop", func(t *testing.T) {
		w := dialWire(t, s.server)
		for range 3 {
			w.send("GET /head/hop HTTP/1.1\r\nHost: a\r\n\r\n")
			a := w.recv("GET")
			if a.Status != 200 || a.Body != "hop" || a.field("X-Stays") != "yes" {
				t.Fatalf("%+v", a)
			}
			for _, name := range []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "TE"} {
				if got := a.field(name); got != "" {
					t.Errorf("%s: %q came through", name, got)
				}
			}
		}
		w.usable()
		s.settle()
		records := s.events("hop_by_hop_removed")
		text := strings.ToLower(fmt.Sprint(records))
		for _, name := range []string{"connection", "keep-alive", "transfer-encoding", "upgrade", "te"} {
			if !strings.Contains(text, name) {
				t.Errorf("no hop_by_hop_removed names %s: %v", name, records)
			}
		}
		if len(records) != 5 {
			t.Errorf("%d records for 5 names in 3 answers, want one per name", len(records))
		}
		for _, r := range records {
			if r.str("app") == "" || r.str("level") != "warn" {
				t.Errorf("not a WARN that names the app: %v", r)
			}
		}
	})
	t.Run("many", func(t *testing.T) {
		if a := s.ask(t, "/head/many?count=500"); a.Status != 200 || a.field("X-Many-499") != "v499" {
			t.Errorf("status %d, %d fields", a.Status, len(a.Fields))
		}
	})
	t.Run("status lines", func(t *testing.T) {
		// The code is the app's. The reason is not checked: a client ignores it (RFC 9112 4), and net/http writes its own.
		for _, status := range []string{"200 OK", "299 Own", "404 Not Found", "599 Last", "200 caf\u00e9 au lait", "418 I'm a teapot; short & stout"} {
			a := s.ask(t, "/head/status?status="+url.QueryEscape(status))
			if got := fmt.Sprint(a.Status); got != status[:3] || a.Body != "x" {
				t.Errorf("status %s, body %q; the app said %q", got, a.Body, status)
			}
		}
	})
}

// TestWSGIRefusedHeads: what would split an answer, or is no HTTP, is a 500 with the reason in the log, never sent.
func TestWSGIRefusedHeads(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	type bad struct{ what, path string }
	var list []bad
	for _, value := range []string{"a\r\nX-Injected: 1", "a\nX-Injected: 1", "a\rX-Injected: 1", "a\x00b", "a\r\n", "a\n\n<html>", "\r\n"} {
		list = append(list, bad{fmt.Sprintf("value %q", value), "/head/field?value=" + url.QueryEscape(value)})
	}
	for _, name := range []string{"", "a b", "a:b", "X-Injected: 1\r\nX-B", "X\r\n", "X\x00", "X ", " X", "caf\u00e9", "(X)", "X\tY", "X/Y", `"X"`} {
		list = append(list, bad{fmt.Sprintf("name %q", name), "/head/field?value=v&name=" + url.QueryEscape(name)})
	}
	for _, status := range []string{"", "abc", "20", "2", "99 x", "099 x", "1000 x", "2000", "600 x", "-200 OK", "200\r\nX-Injected: 1", "200 OK\r\nX-Injected: 1",
		"200 OK\nX-Injected: 1", "200 O\x00K", "200 O\rK", "100 Continue", "101 Switching Protocols", "199 x", "OK 200", " 200 OK", "2 0 0", "٢٠٠ OK"} {
		list = append(list, bad{fmt.Sprintf("status %q", status), "/head/status?status=" + url.QueryEscape(status)})
	}
	list = append(list,
		bad{"a value beyond latin-1", "/head/field?wide=1&value=" + url.QueryEscape("\u20ac")},
		bad{"a name beyond latin-1", "/head/field?wide=1&value=v&name=" + url.QueryEscape("X-\u20ac")},
		bad{"a reason beyond latin-1", "/head/status?status=" + url.QueryEscape("200 \u20ac")},
	)
	for i, c := range list {
		t.Run(c.what, func(t *testing.T) {
			path := fmt.Sprintf("%s&n=%d", c.path, i)
			w := dialWire(t, s.server)
			w.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
			a := w.recv("GET")
			if a.Status != 500 {
				t.Errorf("status %d %q, fields %q", a.Status, a.Reason, a.Fields)
			}
			if a.field("X-Injected") != "" {
				t.Error("the app's text became a field")
			}
			w.usable()
			r := s.waitLog(s.failureOf(path), "the refusal of "+path)
			if r.str("app") == "" || r.str("reason")+r.str("error") == "" {
				t.Errorf("the record does not say app and reason: %v", r)
			}
		})
	}
}
