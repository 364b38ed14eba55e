//go:build unix

package nethttp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/forwarded"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
)

// One socket, two servers: the first leaves, the second has it from then on; no client finds the socket closed.
func TestHandOver(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			path := filepath.Join(t.TempDir(), "s")
			if network == "unix" {
				address = "unix:" + path
			}
			spec := listen.Spec{Address: address}
			first, err := listen.Listen(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			f, err := listen.File(first)
			if err != nil {
				t.Fatal(err)
			}
			second, err := listen.Inherit(f, spec)
			if err != nil {
				t.Fatal(err)
			}
			if first.Addr().String() != second.Addr().String() {
				t.Errorf("%v became %v", first.Addr(), second.Addr())
			}
			named := func(name string, ln net.Listener) (*listen.Group, func()) {
				return serve(t, ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name) }), Options{}, listen.Options{})
			}
			old, oldEnded := named("old", first)
			ask := func(c net.Conn, r *bufio.Reader) (string, bool) {
				t.Helper()
				_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				res, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				b, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				return string(b), res.Close
			}
			kept, err := net.Dial(network, first.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer kept.Close()
			keptR := bufio.NewReader(kept)
			if body, over := ask(kept, keptR); body != "old" || over {
				t.Errorf("%s, closed %v", body, over)
			}

			listen.RemoveOnClose(first, false)
			listen.RemoveOnClose(second, true)
			left := make(chan struct{})
			go func() { defer close(left); old.Leave(t.Context()) }()
			oldEnded()
			if network == "unix" {
				if _, err := os.Lstat(path); err != nil {
					t.Errorf("the socket's file is gone: %v", err)
				}
			}
			// No process serves now: a new client waits, and the next process serves it.
			waiting, err := net.Dial(network, second.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer waiting.Close()
			answer := make(chan string, 1)
			go func() { body, _ := ask(waiting, bufio.NewReader(waiting)); answer <- body }()
			next, nextEnded := named("new", second)
			if body := <-answer; body != "new" {
				t.Errorf("%s answers a new connection", body)
			}
			// The idle connection of before is not cut: its next answer is its last.
			select {
			case <-left:
				t.Error("Leave has not waited for the idle connection")
			default:
			}
			if body, over := ask(kept, keptR); body != "old" || !over {
				t.Errorf("%s, closed %v", body, over)
			}
			<-left
			for _, s := range []*listen.Group{old, next} {
				if err := s.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			}
			nextEnded()
			if _, err := os.Lstat(path); err == nil && network == "unix" {
				t.Error("the socket's file is left")
			}
		})
	}
}

// An idle connection is not waited for longer than ctx.
func TestLeaveEnds(t *testing.T) {
	ln, err := listen.Listen(t.Context(), listen.Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s, ended := serve(t, ln, http.NotFoundHandler(), Options{}, listen.Options{})
	defer ended()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for s.Connections() == 0 {
		time.Sleep(time.Millisecond) // until it is accepted
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Leave(ctx)
	if ctx.Err() == nil {
		t.Error("Leave did not wait")
	}
	s.Close()
}

func TestRequestsOverAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := listen.Listen(t.Context(), listen.Spec{Address: "unix:" + path})
	if err != nil {
		t.Fatal(err)
	}
	notes := make(chan httpx.RequestInfo, 1)
	trust, err := forwarded.ParseTrust([]string{"unix"})
	if err != nil {
		t.Fatal(err)
	}
	h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { notes <- *httpx.Of(w) }))
	h = forwarded.Peer(trust)(forwarded.New(forwarded.Options{Trust: trust})(h))
	s, ended := serve(t, ln, h, Options{}, listen.Options{})
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if n := <-notes; !n.Trusted || n.RemoteAddr != "1.2.3.4" || n.Scheme != "https" || n.Peer.IsValid() || n.ServerPort != "" {
		t.Errorf("%+v", n)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	ended()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket's file is left: %v", err)
	}
}
