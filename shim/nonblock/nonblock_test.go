//go:build unix

package nonblock

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pipe is a pipe whose ends do not block.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func TestReader(t *testing.T) {
	r, w := pipe(t)
	in := NewReader(r)
	if _, ok := in.(*Reader); !ok {
		t.Fatalf("%T", in)
	}
	if n, err := in.Read(nil); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	all := bytes.Repeat([]byte("0123456789"), 100_000)
	done := make(chan error, 1)
	go func() {
		_, err := w.Write(all)
		w.Close()
		done <- err
	}()
	if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, all) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n, err := in.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
	_ = r.SetReadDeadline(time.Unix(1, 0))
	if n, err := in.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d, %v", n, err)
	}
	r.Close()
	if n, err := in.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("%d, %v", n, err)
	}
}

// What may block, and what is no descriptor, is read as before.
func TestReaderOfOthers(t *testing.T) {
	file, err := os.Open("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text := strings.NewReader("x")
	for _, r := range []io.Reader{file, text} {
		if in := NewReader(r); in != r {
			t.Errorf("%T became %T", r, in)
		}
	}
}

// Writes say what was taken, and that nothing is.
func TestWrites(t *testing.T) {
	r, w := pipe(t)
	raw, err := w.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var parts [2]syscall.Iovec
	a, b := bytes.Repeat([]byte("a"), 1000), bytes.Repeat([]byte("b"), Most)
	for name, write := range map[string]func(fd uintptr) (int, error){
		"Write":         func(fd uintptr) (int, error) { return Write(fd, a) },
		"Write, long":   func(fd uintptr) (int, error) { return Write(fd, append(b, b...)) },
		"Writev":        func(fd uintptr) (int, error) { return Writev(fd, &parts, a, a) },
		"Writev, one":   func(fd uintptr) (int, error) { return Writev(fd, &parts, nil, a) },
		"Writev, other": func(fd uintptr) (int, error) { return Writev(fd, &parts, a, nil) },
		"Writev, long":  func(fd uintptr) (int, error) { return Writev(fd, &parts, a, b) },
	} {
		sum := 0
		err := raw.Write(func(fd uintptr) bool {
			for range 10_000 {
				n, err := write(fd)
				sum += n
				if err != nil {
					if err != syscall.EAGAIN || n != 0 {
						t.Errorf("%s: %d, %v", name, n, err)
					}
					return true
				}
			}
			t.Errorf("%s: the pipe was never full", name)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for buf := make([]byte, Most); got < sum; {
			n, err := r.Read(buf)
			if got += n; err != nil {
				t.Fatal(err)
			}
		}
		if got != sum || parts[0].Base != nil || parts[1].Base != nil {
			t.Errorf("%s: %d bytes taken, %d came, %v", name, sum, got, parts)
		}
	}
	r.Close()
	_ = raw.Write(func(fd uintptr) bool {
		if n, err := Write(fd, a); n != 0 || err != syscall.EPIPE {
			t.Errorf("%d, %v", n, err)
		}
		return true
	})
}

// A socket's bytes arrive in their order.
func TestWritevOrder(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var parts [2]syscall.Iovec
	_ = raw.Write(func(fd uintptr) bool {
		if n, err := Writev(fd, &parts, []byte("head"), []byte("body")); n != 8 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		return true
	})
	got := make([]byte, 8)
	if _, err := io.ReadFull(NewReader(s), got); err != nil || string(got) != "headbody" {
		t.Errorf("%q, %v", got, err)
	}
}
