//go:build unix

package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// One socket, two servers: the first leaves, the second has it from then on; nobody finds the door closed.
func TestHandOver(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			path := filepath.Join(t.TempDir(), "s")
			if network == "unix" {
				address = "unix:" + path
			}
			spec := Spec{Address: address}
			first, err := Listen(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			f, err := File(first)
			if err != nil {
				t.Fatal(err)
			}
			second, err := Inherit(f, spec)
			if err != nil {
				t.Fatal(err)
			}
			if first.Addr().String() != second.Addr().String() {
				t.Errorf("%v became %v", first.Addr(), second.Addr())
			}
			serve := func(name string, ln net.Listener) (*Server, chan error) {
				s := New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name) }), Options{})
				ended := make(chan error, 1)
				go func() { ended <- s.Serve(ln) }()
				return s, ended
			}
			old, oldEnded := serve("old", first)
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

			Own(first, false)
			Own(second, true)
			left := make(chan struct{})
			go func() { defer close(left); old.Leave(t.Context()) }()
			if err := <-oldEnded; err != nil {
				t.Errorf("Serve: %v", err)
			}
			if network == "unix" {
				if _, err := os.Lstat(path); err != nil {
					t.Errorf("the socket's file is gone: %v", err)
				}
			}
			// Nobody serves now: a client that comes waits, and is served by who comes.
			waiting, err := net.Dial(network, second.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer waiting.Close()
			answer := make(chan string, 1)
			go func() { body, _ := ask(waiting, bufio.NewReader(waiting)); answer <- body }()
			next, nextEnded := serve("new", second)
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
			for _, s := range []*Server{old, next} {
				if err := s.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if err := <-nextEnded; err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(path); err == nil && network == "unix" {
				t.Error("the socket's file is left")
			}
		})
	}
}

// Starting a process with the copy does not make the socket blocking: its Accept could not be ended any more.
func TestFileStaysNonblocking(t *testing.T) {
	ln, err := Listen(t.Context(), Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := File(ln)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("flags %#x %v", flags, err)
	}
}

// An idle connection is not waited for longer than ctx.
func TestLeaveEnds(t *testing.T) {
	ln, err := Listen(t.Context(), Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s := New(http.NotFoundHandler(), Options{})
	go func() { _ = s.Serve(ln) }()
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

func TestInheritWrong(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := Inherit(r, Spec{Address: "127.0.0.1:1"}); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("a pipe: %v", err)
	}
}
