package server

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// A client that takes something is not cut off, however long a write takes; one
// that takes nothing is.
func TestSlowClientIsNotStalled(t *testing.T) {
	const limit = time.Second
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		c, client := pairOf(t)
		const size = 8 << 20 // more than the kernel's buffers take
		got := make(chan int64, 1)
		go func() {
			n := int64(0)
			buf := make([]byte, 16<<10)
			for end := time.Now().Add(3 * limit); time.Now().Before(end); time.Sleep(limit / 50) { // a trickle, for longer than the limit
				m, _ := client.Read(buf)
				n += int64(m)
			}
			m, _ := io.Copy(io.Discard, client)
			got <- n + m
		}()
		_ = c.SetWriteDeadline(time.Now().Add(limit))
		n, err := c.Write(make([]byte, size))
		c.Close()
		if all := <-got; n != size || err != nil || all != size {
			t.Errorf("%d octets written, %v; %d came", n, err, all)
		}
	})
	t.Run("stalled", func(t *testing.T) {
		t.Parallel()
		c, _ := pairOf(t)
		_ = c.SetWriteDeadline(time.Now().Add(limit))
		began := time.Now()
		_, err := c.Write(make([]byte, 64<<20))
		if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took < limit || took > 20*limit {
			t.Errorf("%v after %v", err, took)
		}
	})
}
