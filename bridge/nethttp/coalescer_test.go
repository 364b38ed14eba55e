package nethttp

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// sizes are those at whose edges net/http's buffers overflow.
func sizes() []int {
	all := []int{0, 1, 2047, 2048, 2049, 8191, 8192, 8193, 12288, 65536, 1 << 20}
	for n := 3700; n <= 4100; n += 3 {
		all = append(all, n)
	}
	return all
}

// What a handler flushes is on its way before it goes on, whatever its size is; and the
// whole answer is what was written.
func TestFlushIsNotHeldBack(t *testing.T) {
	seen := make(chan bool)
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		if r.URL.Path == "/length" {
			w.Header()["Content-Length"] = []string{strconv.Itoa(2 * size)}
		}
		for range 2 {
			if _, err := w.Write(bytes.Repeat([]byte("x"), size)); err != nil {
				t.Error(err)
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			if !<-seen {
				return
			}
		}
	}, nil)
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	in := bufio.NewReader(c)
	for _, path := range []string{"/length", "/chunked"} {
		for _, size := range sizes() {
			fmt.Fprintf(c, "GET %s?size=%d HTTP/1.1\r\nHost: h\r\n\r\n", path, size)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(path, size, err)
			}
			for i := range 2 {
				if n, err := io.ReadFull(resp.Body, make([]byte, size)); err != nil {
					t.Errorf("%s: part %d of %d: %d, %v", path, i, size, n, err)
				}
				seen <- true
			}
			if n, err := io.Copy(io.Discard, resp.Body); n != 0 || err != nil {
				t.Errorf("%s: %d: %d more, %v", path, size, n, err)
			}
		}
	}
}

// An answer that is broken off has what was written of it, whether it was held or not.
func TestHeldPartOfBrokenAnswer(t *testing.T) {
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		w.Header()["Content-Length"] = []string{strconv.Itoa(size + 1)}
		_, _ = w.Write(bytes.Repeat([]byte("x"), size))
		_ = http.NewResponseController(w).Flush()
		httpx.Abort(w)
	}, nil)
	for _, size := range sizes() {
		got := f.raw(fmt.Sprintf("GET /?size=%d HTTP/1.1\r\nHost: h\r\n\r\n", size))
		_, body, _ := strings.Cut(got, "\r\n\r\n")
		if len(body) != size {
			t.Errorf("%d bytes of %d", len(body), size)
		}
	}
}

// A handler that takes the connection over writes after what it has written as an
// answer.
func TestHeldPartBeforeHijack(t *testing.T) {
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		w.Header()["Content-Length"] = []string{strconv.Itoa(size)}
		_, _ = w.Write(bytes.Repeat([]byte("x"), size))
		rc := http.NewResponseController(w)
		_ = rc.Flush()
		nc, _, err := rc.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(nc, "own")
		nc.Close()
	}, nil)
	for _, size := range sizes() {
		got := f.raw(fmt.Sprintf("GET /?size=%d HTTP/1.1\r\nHost: h\r\n\r\n", size))
		_, body, _ := strings.Cut(got, "\r\n\r\n")
		if body != strings.Repeat("x", size)+"own" {
			t.Errorf("%d: %d bytes", size, len(body))
		}
	}
}
