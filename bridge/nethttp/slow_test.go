package nethttp

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Whatever makes an answer, a client that takes nothing of it is ended, and its place is free again.
func TestSlowReadersOfEveryAnswer(t *testing.T) {
	page := strings.Repeat("x", 100<<10)
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Length"] = []string{fmt.Sprint(len(page))}
		_, _ = io.WriteString(w, page)
	}, func(s *settings) {
		s.group.MaxConnections = 4
		s.group.Limits.Send = httpx.Pace{Silence: 200 * time.Millisecond, Rate: 500}
		s.health = readiness{}
	})
	for _, path := range []string{"/livez", "/page", "*"} { // a health check, a whole answer, a refusal
		var conns []net.Conn
		for range 4 {
			c, err := net.Dial("tcp", f.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			conns = append(conns, c)
			_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
			go func() { // ends with the connection
				for request := strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n", 1000); ; {
					if _, err := io.WriteString(c, request); err != nil {
						return
					}
				}
			}()
		}
		for _, c := range conns {
			_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
		}
		if a := f.raw("GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(a, "HTTP/1.1 200") {
			t.Errorf("%s: %.100q", path, a)
		}
	}
}
