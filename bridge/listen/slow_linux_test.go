package listen

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// A client that takes something is not cut off, however long a write takes; one
// that takes nothing is.
func TestSlowClientIsNotStalled(t *testing.T) {
	const limit = time.Second
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		const limit = 4 * time.Second // longer than a busy machine stands still
		c, client := pairOf(t)
		c.group.SetLimits(Limits{Send: httpx.Pace{Silence: limit, Rate: 500}})
		const size = 8 << 20 // more than the kernel's buffers take
		got := make(chan int64, 1)
		go func() {
			n := int64(0)
			buf := make([]byte, 16<<10)
			for end := time.Now().Add(limit * 3 / 2); time.Now().Before(end); time.Sleep(limit / 200) { // a trickle, for longer than the limit
				m, _ := client.Read(buf)
				n += int64(m)
			}
			m, _ := io.Copy(io.Discard, client)
			got <- n + m
		}()
		n, err := c.Write(make([]byte, size))
		c.Close()
		if all := <-got; n != size || err != nil || all != size {
			t.Errorf("%d bytes written, %v; %d came", n, err, all)
		}
	})
	for name, pace := range map[string]httpx.Pace{"stalled": {Silence: limit}, "below the rate": {Silence: limit, Rate: 1 << 30}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, client := pairOf(t)
			c.group.SetLimits(Limits{Send: pace})
			if pace.Rate > 0 {
				go func() { // ends with the connection
					for buf := make([]byte, 64<<10); ; time.Sleep(time.Millisecond) {
						if _, err := client.Read(buf); err != nil {
							return
						}
					}
				}()
			}
			_, err := c.Write(make([]byte, 1<<30))
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%v", err)
			}
			if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

// A file that is slow to read is not the client's fault: it has taken all that there was.
func TestSlowFileIsNotTheClientsFault(t *testing.T) {
	const limit = 200 * time.Millisecond
	c, client := pairOf(t)
	c.group.SetLimits(Limits{Send: httpx.Pace{Silence: limit, Rate: 500}})
	path := filepath.Join(t.TempDir(), "slow")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0) // does not wait for the other end
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	go func() { // ends with the second half
		io.WriteString(file, "first half")
		time.Sleep(2*time.Second + 5*limit) // in which the file has no more: the first look comes after a second
		io.WriteString(file, "and second")
	}()
	const size = 20
	n, err := c.ReadFrom(&io.LimitedReader{R: file, N: size})
	c.Close()
	if got, _ := io.ReadAll(client); n != size || err != nil || len(got) != size {
		t.Errorf("%d bytes sent, %v; %q came", n, err, got)
	}
}

// A piece of a file is as long as it may be, and the file may end before its length says so.
func TestFilesInPieces(t *testing.T) {
	for _, size := range []int64{0, 1, (1 << 20) - 1, (1 << 20), (1 << 20) + 1, 3*(1<<20) + 7} {
		for _, missing := range []int64{0, 1, (1 << 20)} {
			if missing > size {
				continue
			}
			c, client := pairOf(t)
			file, err := os.Create(filepath.Join(t.TempDir(), "file"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if err := file.Truncate(size - missing); err != nil {
				t.Fatal(err)
			}
			got := make(chan int64, 1)
			go func() {
				n, _ := io.Copy(io.Discard, client)
				got <- n
			}()
			r := &io.LimitedReader{R: file, N: size}
			n, err := c.ReadFrom(r)
			c.Close()
			if all := <-got; n != size-missing || err != nil || all != n || r.N != missing {
				t.Errorf("%d bytes, %d missing: %d sent, %v; %d came, %d left", size, missing, n, err, all, r.N)
			}
		}
	}
}
