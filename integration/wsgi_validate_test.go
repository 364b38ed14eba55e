package integration

import (
	"strings"
	"testing"
)

// TestWSGIValidate puts wsgiref.validate between the app and standpipe: it raises when either side breaks PEP 3333.
func TestWSGIValidate(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-w", "1"}, {"-w", "1", "--threads", "2"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			s := serveWSGI(t, "wsgi_validate", args...)
			for _, c := range []struct{ head, body, want string }{
				{"GET / HTTP/1.1\r\nHost: a\r\n", "", ""},
				{"GET /p%C3%A4th?q=%20 HTTP/1.1\r\nHost: a\r\n", "", ""},
				{"GET / HTTP/1.0\r\n", "", ""},
				{"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n", "hello", "hello"},
				{"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello"},
				{"POST /lines HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n", "ab\ncdefg\nhi\n", "ab\n|cde|fg\n|hi\n"},
				{"POST /iterate HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n", "ab\ncd\n", "ab\n|cd\n"},
				{"GET /stream HTTP/1.1\r\nHost: a\r\n", "", "abc"},
				{"GET /late HTTP/1.1\r\nHost: a\r\n", "", "late"},
				{"GET /write HTTP/1.1\r\nHost: a\r\n", "", "written and returned"},
				{"GET /wrapper HTTP/1.1\r\nHost: a\r\n", "", "wrapped"},
				{"GET /nothing HTTP/1.1\r\nHost: a\r\n", "", ""},
				{"HEAD / HTTP/1.1\r\nHost: a\r\n", "", ""},
				{"HEAD /stream HTTP/1.1\r\nHost: a\r\n", "", ""},
			} {
				if s.over == h2 && strings.Contains(c.head, "HTTP/1.0") {
					continue
				}
				method, _, _ := strings.Cut(c.head, " ")
				w := dialWire(t, s.server)
				w.send(c.head + "Connection: close\r\n\r\n" + c.body)
				a := w.recv(method)
				if a.Status/100 != 2 || a.Body != c.want {
					t.Errorf("%.40q: status %d, body %q, want %q", c.head, a.Status, a.Body, c.want)
				}
			}
			s.settleValidate()
			for _, r := range s.log() {
				if r.event() == "app_error" || strings.Contains(r.str("message"), "without being closed") {
					t.Errorf("the validator complains: %v", r)
				}
			}
		})
	}
}

// settleValidate ends the workers, so that whatever the validator says at the end of an iterator's life is in the log.
func (b *behaviours) settleValidate() {
	b.t.Helper()
	if code := b.stop(); code != 0 {
		b.t.Errorf("exit code %d", code)
	}
}
