package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Slow readers of a large answer hold no connection of an upstream: by its own count all are free before a byte is read. The
// readers end by send_timeout. STANDPIPE_SLOW_READERS is another number of readers.
func TestSlowReadersHoldNoUpstream(t *testing.T) {
	t.Parallel()
	const size = 10 << 20
	readers := 40
	if n, err := strconv.Atoi(os.Getenv("STANDPIPE_SLOW_READERS")); err == nil {
		readers = n
	}
	part := []byte(strings.Repeat("x", 256<<10))
	var running, begun atomic.Int64
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun.Add(1)
		running.Add(1)
		defer running.Add(-1)
		w.Header().Set("Content-Length", strconv.Itoa(size))
		for range size / len(part) {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}))
	t.Cleanup(up.Close)
	s := routed(t, fmt.Sprintf("[limits]\nsend_timeout = \"5s\"\n[[route]]\npath = \"/up\"\nhandler = \"proxy\"\nupstreams = [%q]\n", up.URL))
	var conns []net.Conn
	for range readers {
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = tcpOf(c).SetReadBuffer(64 << 10)
		_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
		io.WriteString(c, "GET /up/big HTTP/1.1\r\nHost: h\r\n\r\n")
		conns = append(conns, c)
	}
	eventually(t, "the upstream has answered all", func() bool { return begun.Load() == int64(readers) && running.Load() == 0 })
	resp, err := http.ReadResponse(bufio.NewReader(conns[0]), nil) // one that goes on gets all of it
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	s.waitEvent("slow_client")
	eventually(t, "all others have ended", func() bool { return strings.Count(strings.Join(s.access(), "\n"), "aborted=1") == readers-1 })
}
