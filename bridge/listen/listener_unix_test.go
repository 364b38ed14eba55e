//go:build unix

package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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
