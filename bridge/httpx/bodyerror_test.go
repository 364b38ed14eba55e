package httpx

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"syscall"
	"testing"
	"time"
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
		"left, length":   {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", func(c *net.TCPConn) { c.CloseWrite() }, 0, ErrClientGone},
		"left, chunks":   {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx", func(c *net.TCPConn) { c.CloseWrite() }, 0, ErrClientGone},
		"reset":          {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx", func(c *net.TCPConn) { c.SetLinger(0); c.Close() }, 0, ErrClientGone},
		"broken chunks":  {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", nil, 0, ErrBadBody},
		"beyond a limit": {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabcd", nil, 3, ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			started, got := make(chan struct{}), make(chan error, 1)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(started)
				if c.want == ErrStalled {
					_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				}
				b := (&Spool{}).Take(netip.Prefix{})
				defer b.Close()
				got <- b.Fill(r.Body, c.limit)
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
			told := BodyError(read)
			for _, e := range []error{ErrStalled, ErrClientGone, ErrBadBody, ErrTooLarge} {
				if errors.Is(told, e) != (e == c.want) {
					t.Errorf("%v (%T) is told as %v", read, read, told)
				}
			}
			if c.want != ErrStalled && !errors.Is(told, read) { // its cause says no more
				t.Errorf("%v has lost its cause %v", told, read)
			}
		})
	}
	for _, err := range []error{ErrSpoolFull, ErrDiskFull} { // a full disk is not the client's
		wrapped := fmt.Errorf("%w: %w", err, &net.OpError{Op: "write", Err: syscall.ENOSPC})
		if told := BodyError(wrapped); told != wrapped {
			t.Errorf("%v is told as %v", wrapped, told)
		}
	}
	if told := BodyError(net.ErrClosed); !errors.Is(told, ErrClientGone) {
		t.Errorf("%v", told)
	}
}
