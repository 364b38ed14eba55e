package nethttp

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// segments is how many segments with bytes c has sent: on loopback one for each call
// that fits into one.
func segments(t *testing.T, c net.Conn) (n uint32) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			t.Fatal(err)
		}
		n = info.Data_segs_out
	})
	return n
}

// An answer that is larger than net/http's buffer goes out in one call.
func TestLargeAnswerIsOneCall(t *testing.T) {
	conns := make(chan *conn, 1)
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		w.Header()["Content-Length"] = []string{strconv.Itoa(size)}
		_, _ = w.Write(bytes.Repeat([]byte("x"), size))
		conns <- connOf(r)
	}, nil)
	for _, size := range []int{100, 3000, 4096, 6000, 8192, 10 << 10, 30 << 10} {
		client := new(http.Client)
		resp, err := client.Get(fmt.Sprintf("http://%s/?size=%d", f.addr, size))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != int64(size) || err != nil {
			t.Errorf("%d bytes of %d, %v", n, size, err)
		}
		if n := segments(t, (<-conns).link.Conn); n != 1 {
			t.Errorf("%d bytes: %d calls", size, n)
		}
		client.CloseIdleConnections()
	}
}
