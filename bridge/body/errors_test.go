package body

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// What net/http's bodies and the spool's buffer give, on real connections where a connection makes it.
func TestBodyErrors(t *testing.T) {
	for name, c := range map[string]struct {
		request string
		then    func(*net.TCPConn)
		limit   int64
		want    error
	}{
		"silent":         {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", nil, 0, ErrStalled},
		"left, length":   {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", func(c *net.TCPConn) { c.CloseWrite() }, 0, httpx.ErrClientGone},
		"left, chunks":   {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx", func(c *net.TCPConn) { c.CloseWrite() }, 0, httpx.ErrClientGone},
		"reset":          {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", func(c *net.TCPConn) { c.SetLinger(0); c.Close() }, 0, httpx.ErrClientGone},
		"broken chunks":  {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", nil, 0, ErrMalformed},
		"beyond a limit": {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabcd", nil, 3, ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			started, got := make(chan struct{}), make(chan error, 1)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(started)
				o := Options{Max: c.limit, Spool: &spool.Spool{}}
				if c.want == ErrStalled {
					o.Pace.Silence = 20 * time.Millisecond
				}
				var b Body
				b.Begin(w, r, o)
				defer b.Free()
				got <- b.Buffer()
			}))
			defer srv.Close()
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, c.request); err != nil {
				t.Fatal(err)
			}
			<-started
			if c.then != nil {
				c.then(conn.(*net.TCPConn))
			}
			var read error
			select {
			case read = <-got:
			case <-time.After(2 * time.Minute):
				t.Fatal("the body is read for ever")
			}
			for _, e := range []error{ErrStalled, httpx.ErrClientGone, ErrMalformed, ErrTooLarge} {
				if errors.Is(read, e) != (e == c.want) {
					t.Errorf("got %v (%T)", read, read)
				}
			}
		})
	}
	if err := cause(net.ErrClosed); !errors.Is(err, httpx.ErrClientGone) {
		t.Errorf("%v", err)
	}
}

func TestStatusOf(t *testing.T) {
	full := fmt.Errorf("%w: %w", spool.ErrDiskFull, &net.OpError{Op: "write", Err: syscall.ENOSPC})
	for _, c := range []struct {
		err    error
		status int
		retry  time.Duration
	}{
		{httpx.ErrClientGone, 499, 0}, {ErrTooLarge, 413, 0}, {ErrStalled, 408, 0}, {ErrMalformed, 400, 0},
		{spool.ErrFull, 503, 5 * time.Second}, {full, 507, 0}, {io.EOF, 0, 0}, {nil, 0, 0},
	} {
		if c.err != nil && c.err != full {
			c.err = fmt.Errorf("wrapped: %w", c.err)
		}
		if status, retry := StatusOf(c.err); status != c.status || retry != c.retry {
			t.Errorf("%v: %d, %v", c.err, status, retry)
		}
	}
}
