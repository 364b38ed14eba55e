package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// echoing is an upstream that upgrades, says what it hears, and counts the connections that it has.
func echoing(t testing.TB) (url string, open *atomic.Int64) {
	t.Helper()
	open = new(atomic.Int64)
	u := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		open.Add(1)
		defer func() { c.Close(); open.Add(-1) }()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.Copy(c, rw)
	}))
	t.Cleanup(u.Close)
	return u.URL, open
}

// tunnel asks for an upgrade.
func (s *server) tunnel() net.Conn {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	upgrade(s.t, c)
	return c
}

// upgrade asks for one on a connection, which ends with the test.
func upgrade(t testing.TB, c net.Conn) {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(4 * time.Minute))
	io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
}

func switched(t testing.TB, c net.Conn) *bufio.Reader {
	t.Helper()
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", resp, err)
	}
	return br
}

// Upgraded connections have their places among max_connections: the one beyond it is served when one of them ends.
func TestFault_C3_UpgradedConnectionsCount(t *testing.T) {
	t.Parallel()
	url, open := echoing(t)
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": hello("hi"), "standpipe.toml": fmt.Sprintf("[limits]\nmax_connections = 5\n[[app]]\nname = \"a\"\nmodule = \"app:app\"\nworkers = 1\n[[route]]\nhandler = \"proxy\"\npath = \"/ws\"\nupstreams = [%q]\n", url)})})
	var waiting []net.Conn
	for range 5 {
		c := s.tunnel()
		switched(t, c)
		waiting = append(waiting, c)
	}
	var more []net.Conn
	for range 5 {
		more = append(more, s.tunnel())
	}
	s.waitEvent("accept_paused")
	if n := open.Load(); n != 5 {
		t.Errorf("%d upgrades with a limit of 5", n)
	}
	for _, c := range waiting {
		c.Close()
	}
	for _, c := range more {
		br := switched(t, c)
		io.WriteString(c, "hello\n")
		if line, err := br.ReadString('\n'); line != "hello\n" || err != nil {
			t.Errorf("%q, %v", line, err)
		}
	}
}

// A tunnel that is silent in both directions is closed, and its upstream's connection too; one that is not, is not.
func TestFault_C3_SilentTunnelsEnd(t *testing.T) {
	t.Parallel()
	url, open := echoing(t)
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": hello("hi"), "standpipe.toml": fmt.Sprintf("[limits]\ntunnel_timeout = \"10s\"\n[[app]]\nname = \"a\"\nmodule = \"app:app\"\nworkers = 1\n[[route]]\nhandler = \"proxy\"\npath = \"/ws\"\nupstreams = [%q]\n", url)})})
	silent, alive := s.tunnel(), s.tunnel()
	switched(t, silent)
	br := switched(t, alive)
	ended := make(chan error, 1)
	go func() {
		_, err := silent.Read(make([]byte, 1))
		ended <- err
	}()
	for over := false; !over; {
		io.WriteString(alive, "hello\n")
		if line, err := br.ReadString('\n'); line != "hello\n" || err != nil {
			t.Fatalf("%q, %v", line, err)
		}
		select {
		case err := <-ended:
			over = true
			if err == nil || strings.Contains(err.Error(), "timeout") {
				t.Errorf("the silent one: %v", err)
			}
		case <-time.After(10 * time.Millisecond): // between two messages
		}
	}
	eventually(t, "the silent one's upstream is let go", func() bool { return open.Load() == 1 })
}
