package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answering is an HTTP upstream that says one thing.
func answering(t testing.TB, text string) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }))
	t.Cleanup(s.Close)
	return s.URL
}

// listenAnd is an address at which connections are accepted and never answered.
func listenAnd(t testing.TB, each func()) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var waiting []net.Conn
		defer func() {
			for _, c := range waiting {
				c.Close()
			}
		}()
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			waiting = append(waiting, c)
			each()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return ln.Addr().String()
}

// An HTTP server behind us, by a port and by a socket: events as they come, WebSocket's way, an upload as it comes.
func TestHTTPUpstreams(t *testing.T) {
	t.Parallel()
	more := make(chan string)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			for line := range more {
				fmt.Fprintf(w, "data: %s\n\n", line)
				w.(http.Flusher).Flush()
				if line == "end" {
					return
				}
			}
		case "/upload":
			br := bufio.NewReader(r.Body)
			for {
				line, err := br.ReadString('\n')
				if err != nil {
					return
				}
				more <- line
			}
		case "/ws":
			c, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			for {
				line, err := rw.ReadString('\n')
				if err != nil {
					return
				}
				io.WriteString(c, "echo "+line)
			}
		default:
			fmt.Fprintf(w, "%s %s %s %s", r.Host, r.RequestURI, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"))
		}
	})
	sock := filepath.Join(socketDir(t), "h")
	ln, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	bySocket := &httptest.Server{Listener: ln, Config: &http.Server{Handler: h}}
	bySocket.Start()
	t.Cleanup(bySocket.Close)
	byPort := httptest.NewServer(h)
	t.Cleanup(byPort.Close)
	for _, upstream := range []string{byPort.URL, "http+unix:" + sock} {
		s := routed(t, fmt.Sprintf("[[route]]\nhandler = \"proxy\"\nupstreams = [%q]\nrequest_buffering = \"off\"\n", upstream))
		if r := s.want(200, "/a%2Fb?c", "Host: shop.example:1"); r.Body != "shop.example:1 /a%2Fb?c 127.0.0.1 http" {
			t.Errorf("%q", r.Body)
		}

		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(3 * patience))
		br := bufio.NewReader(c)
		line := func(want string) {
			t.Helper()
			for {
				got, err := br.ReadString('\n')
				if err != nil {
					t.Fatalf("waiting for %q: %v", want, err)
				}
				if strings.TrimSpace(got) == want {
					return
				}
			}
		}
		io.WriteString(c, "GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
		for _, text := range []string{"one", "two", "end"} { // each is there before the next is made
			more <- text
			line("data: " + text)
		}
		c.Close()

		if c, err = s.dial(); err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(3 * patience))
		br = bufio.NewReader(c)
		io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
		line("HTTP/1.1 101 Switching Protocols")
		for _, text := range []string{"one", "two"} {
			io.WriteString(c, text+"\n")
			line("echo " + text)
		}
		c.Close()
		s.waitAccess(`"GET /ws HTTP/1.1" 101 `)

		body, w := io.Pipe()
		done := make(chan error, 1)
		go func() {
			_, err := s.try(s.request("POST", "/upload", body))
			done <- err
		}()
		for _, text := range []string{"one\n", "two\n"} { // each has arrived before the next is sent
			io.WriteString(w, text)
			if got := <-more; got != text {
				t.Errorf("%q", got)
			}
		}
		w.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
