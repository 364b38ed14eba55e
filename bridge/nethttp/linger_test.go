package nethttp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// A client that sends all of its body before it reads an answer gets the answer, whatever has made it.
func TestRefusalsReachAClientThatIsStillSending(t *testing.T) {
	var pages *httpx.Pages
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			pages.Write(w, r, http.StatusNotFound, "", 0)
		case "/part":
			_, _ = io.CopyN(io.Discard, r.Body, 300_000)
			w.Header()["Connection"] = []string{"close"}
			pages.Write(w, r, http.StatusServiceUnavailable, "", time.Second)
		case "/stream":
			w.WriteHeader(http.StatusForbidden)
			for range 100 {
				_, _ = io.WriteString(w, strings.Repeat("no", 1000))
				_ = http.NewResponseController(w).Flush()
			}
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		}
	}, func(s *settings) { s.health, s.limits.MaxBody = readiness{}, 40<<20 })
	const parts, size = 300, 100_000
	for _, c := range []struct {
		line, field string
		status      int
	}{
		{"POST /page", "", 404}, {"POST /part", "", 503}, {"POST /stream", "", 403}, {"POST /empty", "", 204},
		{"GET /livez", "", 200}, {"GET /readyz", "", 200}, {"POST nonsense", "", 400}, {"POST /" + strings.Repeat("x", 2000), "", 414},
		{"POST /page", "Transfer-Encoding: chunked\r\n", 404}, {"POST /part", "Transfer-Encoding: chunked\r\n", 503},
		{"POST /page", "Content-Length: 50000000\r\n", 413},
		{"POST /page", "Host: again\r\n", 400}, // by net/http itself
	} {
		if c.field == "" || strings.HasPrefix(c.field, "Host") {
			c.field += fmt.Sprintf("Content-Length: %d\r\n", parts*size)
		}
		conn, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
		part := strings.Repeat("x", size)
		if strings.Contains(c.field, "chunked") {
			part = fmt.Sprintf("%x\r\n%s\r\n", size, part)
		}
		_, err = io.WriteString(conn, c.line+" HTTP/1.1\r\nHost: h\r\n"+c.field+"\r\n")
		for i := 0; i < parts && err == nil; i++ {
			_, err = io.WriteString(conn, part)
		}
		if err != nil {
			t.Errorf("%.20s %s: while it sends: %v", c.line, c.field, err)
		}
		method, _, _ := strings.Cut(c.line, " ")
		resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
		if err != nil {
			t.Errorf("%.20s %s: %v", c.line, c.field, err)
			conn.Close()
			continue
		}
		if _, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != c.status || !resp.Close && c.status != 400 {
			t.Errorf("%.20s %s: %d, close %v, %v", c.line, c.field, resp.StatusCode, resp.Close, err)
		}
		conn.Close()
	}
	until(t, "all connections to be closed", func() bool { return f.group.Connections() == 0 })
}

// A small unread body costs no connection.
func TestSmallUnreadBodiesKeepTheConnection(t *testing.T) {
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, nil)
	post := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000)
	a := f.raw(post + post + "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if n := strings.Count(a, "HTTP/1.1 404 Not Found"); n != 3 {
		t.Errorf("%d answers: %.1000q", n, a)
	}
}

// The server's stop does not wait for those who are still sending.
func TestStopEndsTheLingering(t *testing.T) {
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, nil)
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\nx"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(c); err != nil { // it is lingered for, with our side open
		t.Fatal(err)
	}
	if err := f.group.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// Upgraded connections have a place among max_connections, and end when both sides are silent.
func TestUpgradedConnections(t *testing.T) {
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		_, _ = io.Copy(c, rw)
	}, func(s *settings) { s.group.MaxConnections, s.group.Limits.Tunnel = 3, 300*time.Millisecond })
	dial := func() net.Conn {
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, rest := dial(), []net.Conn{dial(), dial(), dial(), dial()}
	br := bufio.NewReader(first)
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 101 {
		t.Fatal(err)
	}
	until(t, "three places to be taken", func() bool { return f.group.Connections() == 3 })
	for _, c := range rest { // those beyond the limit get their place when others end
		all, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(all), "HTTP/1.1 101") {
			t.Errorf("%.100q", all)
		}
	}
}
