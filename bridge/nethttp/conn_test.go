package nethttp

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// What net/http refuses by itself has its line in the access log, exactly one.
func TestRefusedRequestsHaveALine(t *testing.T) {
	calls := 0
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) { calls++; w.WriteHeader(404) }, func(s *settings) { s.web.MaxHeaderBytes = 4096 })
	lines := 0
	for _, c := range []struct{ name, request, status string }{
		{"bad target", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
		{"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
		{"two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "400"},
		{"coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"},
		{"large head", "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 20000) + "\r\n\r\n", "431"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
		{"after a good one", "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
	} {
		got := f.raw(c.request)
		if !strings.Contains(got, "HTTP/1.1 "+c.status) {
			t.Errorf("%s: %.200q", c.name, got)
		}
		lines++
		if c.name == "after a good one" {
			lines++
		}
		all := f.accessLines(lines)
		if len(all) != lines || !strings.Contains(all[lines-1], "\"- - -\" "+c.status) || !strings.HasPrefix(all[lines-1], "127.0.0.1 ") {
			t.Errorf("%s: %d lines, the last %q", c.name, len(all), all[len(all)-1])
		}
	}
	if calls != 1 {
		t.Errorf("the handler was called %d times", calls)
	}
}

// Half an answer to an HTTP/1.0 client ends in a reset: a plain close would say
// that it is whole.
func TestHalfAnAnswerToHTTP10(t *testing.T) {
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "part")
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/half" {
			httpx.Abort(w)
		}
	}, nil)
	for path, reset := range map[string]bool{"/half": true, "/whole": false} {
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.0\r\n\r\n")
		_, err = io.ReadAll(c)
		if errors.Is(err, syscall.ECONNRESET) != reset {
			t.Errorf("%s: %v", path, err)
		}
		c.Close()
	}
}
