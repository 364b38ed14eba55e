//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

func TestListenUnix(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "app.sock")
	spec := Spec{Address: "unix:" + path, Mode: 0o640, Group: fmt.Sprint(os.Getgid())}
	ln, err := Listen(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Lstat(path)
	if err != nil || st.Mode().Perm() != 0o640 || st.Mode()&os.ModeSocket == 0 || ln.Addr().String() != path {
		t.Errorf("%v %v %v", st.Mode(), ln.Addr(), err)
	}
	answers := make(chan struct{})
	go func(ln net.Listener) {
		defer close(answers)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}(ln)
	if _, err := Listen(ctx, spec); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a live socket was taken: %v", err)
	}
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the live socket is gone: %v", err)
	} else {
		c.Close()
	}
	ln.Close()
	<-answers
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}

	// A stale one: its listener is gone, its file is not.
	old, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	old.(*net.UnixListener).SetUnlinkOnClose(false)
	old.Close()
	ln, err = Listen(ctx, Spec{Address: "unix://" + path})
	if err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Lstat(path); st.Mode().Perm() != 0o666 {
		t.Errorf("%v", st.Mode())
	}

	// Somebody puts another file there: it is not ours to remove.
	os.Remove(path)
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Error("Close removed a stranger's file")
	}
	if _, err := Listen(ctx, spec); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	if _, err := Listen(ctx, Spec{Address: "unix:" + filepath.Join(dir, strings.Repeat("x", 200), "s")}); err == nil {
		t.Error("a path that cannot be")
	}
	if _, err := Listen(ctx, Spec{Address: "unix:" + dir + "/u", User: "no-such-user"}); err == nil || !strings.Contains(err.Error(), "no-such-user") {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestListenFD(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := tcp.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(f.Fd())) // Listen takes it over
	if err != nil {
		t.Fatal(err)
	}
	tcp.Close()
	f.Close()
	ln, err := Listen(context.Background(), Spec{Address: fmt.Sprintf("fd://%d", fd)})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestRequestsOverAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := Listen(context.Background(), Spec{Address: "unix:" + path})
	if err != nil {
		t.Fatal(err)
	}
	notes := make(chan httpx.RequestInfo, 1)
	s := New(NewChain(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { notes <- *httpx.Of(w) }), ChainOptions{Trust: mustTrust(t, "unix")}), Options{})
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
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
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket's file is left: %v", err)
	}
}
