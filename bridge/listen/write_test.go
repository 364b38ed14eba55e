package listen

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// noise is n bytes.
func noise(n int) []byte {
	p := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{})
	_, _ = rng.Read(p)
	return p
}

// both calls f with a connection over each kind of socket, and gives what its client got.
func both(t *testing.T, f func(c *Conn), want []byte) {
	t.Helper()
	for _, network := range []string{"tcp", "unix"} {
		c, client := pairOn(t, network, NewGroup(Options{}))
		got := make(chan []byte, 1)
		go func() {
			p, _ := io.ReadAll(client)
			got <- p
		}()
		f(c)
		c.Close()
		if p := <-got; !bytes.Equal(p, want) {
			t.Errorf("%s: %d bytes came, want %d, or others", network, len(p), len(want))
		}
	}
}

// Head and body arrive whole, whatever their sizes.
func TestWriteParts(t *testing.T) {
	all := noise(5 << 20)
	for _, sizes := range [][2]int{{0, 0}, {100, 0}, {0, 100}, {1, 1}, {300, 10 << 10}, {70 << 10, 70 << 10}, {200, 5<<20 - 200}, {4 << 20, 1 << 20}} {
		both(t, func(c *Conn) {
			n, err := c.WriteParts(all[:sizes[0]], all[sizes[0]:sizes[0]+sizes[1]])
			if n != int64(sizes[0]+sizes[1]) || err != nil || c.pace.written.Load() != n {
				t.Errorf("%v: %d bytes, %v", sizes, n, err)
			}
		}, all[:sizes[0]+sizes[1]])
	}
}

// A file arrives behind its head, from the given position on; its own position stays.
func TestSendFile(t *testing.T) {
	all := noise(9 << 20)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Seek(77, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	size := int64(len(all))
	for _, row := range []struct{ head, off, n, sent int64 }{
		{0, 0, 0, 0}, {100, 0, 0, 0}, {100, 0, 1, 1}, {0, 5, 70 << 10, 70 << 10}, {200, 3, size - 3, size - 3}, {3 << 20, 1 << 20, 8 << 20, 8 << 20},
		{100, 10, size, size - 10}, {100, size, 1, 0}, // the file is shorter
	} {
		both(t, func(c *Conn) {
			n, err := c.SendFile(all[:row.head], file, row.off, row.n)
			if n != row.head+row.sent || err != nil {
				t.Errorf("%v: %d bytes, %v", row, n, err)
			}
		}, append(append([]byte(nil), all[:row.head]...), all[row.off:row.off+row.sent]...))
	}
	if at, err := file.Seek(0, io.SeekCurrent); at != 77 || err != nil {
		t.Errorf("the file's position is %d, %v", at, err)
	}
}

// A file that has no sendfile(2) is read and written.
func TestSendFileWithoutSendfile(t *testing.T) {
	dir, err := os.Open(t.TempDir()) // no data, and an error of its own
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	both(t, func(c *Conn) {
		n, err := c.SendFile([]byte("head"), dir, 0, 10)
		if n != 4 || err == nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}, []byte("head"))
}

// Errors of the connection are those of net.
func TestWritesToAClosedConnection(t *testing.T) {
	for name, write := range map[string]func(c *Conn) (int64, error){
		"parts": func(c *Conn) (int64, error) { return c.WriteParts([]byte("a"), []byte("b")) },
		"file":  func(c *Conn) (int64, error) { return c.SendFile([]byte("a"), os.Stdin, 0, 1) },
	} {
		c, _ := pairOn(t, "tcp", NewGroup(Options{}))
		_ = c.SetWriteDeadline(time.Unix(1, 0))
		if n, err := write(c); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		_ = c.SetWriteDeadline(time.Time{})
		_ = c.CloseWrite()
		var op *net.OpError
		if n, err := write(c); n != 0 || !errors.As(err, &op) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		c.Close()
		if n, err := write(c); n != 0 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

// BenchmarkWrites is a head of 200 bytes and a body, written in one call or in two.
func BenchmarkWrites(b *testing.B) {
	path := filepath.Join(b.TempDir(), "file")
	if err := os.WriteFile(path, noise(64<<10), 0o600); err != nil {
		b.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	head, all := noise(200), noise(64<<10)
	for name, size := range map[string]int{"1KB": 1 << 10, "10KB": 10 << 10} {
		body := all[:size]
		for call, write := range map[string]func(c *Conn) (int64, error){
			"Write, Write": func(c *Conn) (int64, error) { _, _ = c.Write(head); _, err := c.Write(body); return 0, err },
			"WriteBuffers": func(c *Conn) (int64, error) { return c.WriteBuffers(&net.Buffers{head, body}) },
			"WriteParts":   func(c *Conn) (int64, error) { return c.WriteParts(head, body) },
			"SendFile":     func(c *Conn) (int64, error) { return c.SendFile(head, file, 0, int64(size)) },
		} {
			b.Run(name+"/"+call, func(b *testing.B) {
				c, client := pairOn(b, "tcp", NewGroup(Options{}))
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = io.CopyBuffer(io.Discard, struct{ io.Reader }{client}, make([]byte, 256<<10))
				}()
				b.ReportAllocs()
				for b.Loop() {
					if _, err := write(c); err != nil {
						b.Fatal(err)
					}
				}
				c.Close()
				<-done
			})
		}
	}
}
