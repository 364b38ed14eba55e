package integration

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// waitingApp writes the target of each request to a file and answers when the gate is open.
const waitingApp = `
import os
import time


def app(environ, start_response):
    with open(os.environ["STARTED"], "a") as f:
        f.write(environ["RAW_URI"] + "\n")
    while not os.path.exists(os.environ["GATE"]):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"late"]
`

// TestFault_D2_HalfClose: a client that closes its sending side right behind its request (printf | nc, socat) waits for
// the answer, however late that comes. One that does so while its request runs has disconnected, as has one that resets.
func TestFault_D2_HalfClose(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	started := filepath.Join(t.TempDir(), "started")
	socket := filepath.Join(t.TempDir(), "s")
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": waitingApp}), Env: []string{"STARTED=" + started, "GATE=" + g.path},
		Listen: []string{"127.0.0.1:0", "unix:" + socket}, Args: []string{"-w", "1", "--threads", "16"}})
	type half interface {
		net.Conn
		CloseWrite() error
	}
	ask := func(s *server, target, request string) half {
		t.Helper()
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(bootPatience))
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		return c.(half)
	}
	runs := func(target string) {
		t.Helper()
		eventually(t, "the app runs "+target, func() bool {
			b, _ := os.ReadFile(started)
			return strings.Contains(string(b), target+"\n")
		})
	}
	get := func(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n" }
	waiting := map[string]half{}
	s.paused(func() { // a client is right behind its request, however busy the machine is
		for way, server := range map[string]*server{"tcp": s, "unix": s.at(socket)} {
			for name, request := range map[string]string{
				"get": get("/" + way + "/get"), "1.0": "GET /" + way + "/1.0 HTTP/1.0\r\n\r\n",
				"body": "POST /" + way + "/body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "chunked": "POST /" + way + "/chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
			} {
				target := "/" + way + "/" + name
				c := ask(server, target, request)
				if err := c.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				waiting[target] = c
			}
		}
	})
	for target := range waiting {
		runs(target)
	}
	later, reset := ask(s, "/later", get("/later")), ask(s, "/reset", get("/reset"))
	runs("/later")
	runs("/reset")
	_ = reset.(*net.TCPConn).SetLinger(0)
	reset.Close()
	s.waitAccess(`"GET /reset HTTP/1\.1" 499 `)
	time.Sleep(2 * time.Second) // later than what counts as right behind the request
	_ = later.CloseWrite()
	s.waitAccess(`"GET /later HTTP/1\.1" 499 `)
	g.open(t)
	for target, c := range waiting {
		answer, err := io.ReadAll(c)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") || !strings.HasSuffix(string(answer), "\r\n\r\nlate") {
			t.Errorf("%s: %q, %v", target, answer, err)
		}
	}
}
