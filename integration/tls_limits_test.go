package integration

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

const largeApp = `
def app(environ, start_response):
    if environ["PATH_INFO"] == "/large":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (b"x" * 65536 for _ in range(1600))
    body = str(len(environ["wsgi.input"].read())).encode()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]
`

// The limits of connections hold below TLS.
func TestTLSLimits(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, "trusted_proxies = \"none\"\n"+secureListen+"[limits]\nheader_timeout = \"1h\"\nmax_connections_per_client = 3\nmax_body = \"100KiB\"\nsend_timeout = \"1s\"\nresponse_memory = \"64KiB\"\nspool_max = \"64KiB\"\n",
		map[string]string{"app.py": largeApp})
	dial := func() (*tls.Conn, error) { return tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: a.pool}) }
	open := func() *tls.Conn {
		t.Helper()
		var c *tls.Conn
		eventually(t, "a connection", func() (ok bool) { // those before may not be closed yet
			var err error
			c, err = dial()
			return err == nil
		})
		return c
	}

	// An upload that is refused before it was read: the answer arrives.
	c := open()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", 8<<20)
		_, _ = io.Copy(c, io.LimitReader(zeros{}, 8<<20))
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 413 {
		t.Errorf("%v %+v", err, resp)
	} else if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	c.Close()
	<-sent

	// Bodies in both framings, on one connection.
	c = open()
	in := bufio.NewReader(c)
	for range 3 {
		for _, body := range []string{"Content-Length: 50000\r\n\r\n" + strings.Repeat("x", 50_000), "Transfer-Encoding: chunked\r\n\r\nc350\r\n" + strings.Repeat("x", 50_000) + "\r\n0\r\n\r\n"} {
			if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\n"+body); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := io.ReadAll(resp.Body); string(b) != "50000" {
				t.Errorf("%s", b)
			}
		}
	}
	c.Close()

	// A client that takes nothing is cut, without a close_notify: its answer is not whole.
	c = open()
	if _, err := io.WriteString(c, "GET /large HTTP/1.0\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	s.waitEvent("slow_client")
	if _, err := io.Copy(io.Discard, c); err == nil {
		t.Error("half an answer looks whole")
	}
	c.Close()

	// One client may have three connections.
	var three []*tls.Conn
	for range 3 {
		three = append(three, open())
	}
	if c, err := dial(); err == nil {
		c.Close()
		t.Error("a fourth connection")
	} else if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EPIPE) {
		t.Error(err)
	}
	for _, c := range three {
		c.Close()
	}
	open().Close()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A stop answers what runs over HTTPS, and takes no longer for connections that are idle or within a handshake.
func TestTLSStop(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, secureListen, map[string]string{"app.py": `
import os, time

def app(environ, start_response):
    while not os.path.exists(environ["QUERY_STRING"]):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]
`})
	g := newGate(t)
	var conns []*tls.Conn
	for range 20 {
		c, err := tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: a.pool})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	fmt.Fprintf(conns[0], "GET /?%s HTTP/1.1\r\nHost: localhost\r\n\r\n", g.path)
	eventually(t, "it runs", func() bool { return s.status().Apps[0].Busy == 1 })
	if err := syscall.Kill(s.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.waitEvent("stopping")
	for _, c := range conns[1:] {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("an idle connection: %v", err)
		}
	}
	g.open(t)
	resp, err := http.ReadResponse(bufio.NewReader(conns[0]), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); string(b) != "done" || err != nil || !resp.Close {
		t.Errorf("%s %v", b, err)
	}
	if code := s.wait(); code != 0 {
		t.Error(code)
	}
}
