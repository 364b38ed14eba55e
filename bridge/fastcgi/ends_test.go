package fastcgi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/upstream"
)

// Silence has an end, and so has a client's patience.
func TestWaits(t *testing.T) {
	t.Parallel()
	limits := upstream.Timeouts{Connect: 10 * time.Second, Send: 10 * time.Second, Read: 2 * time.Second} // longer than a busy machine stands still
	gone := make(chan error, 1)
	silent := func(c net.Conn, p []byte) {
		if bytes.Contains(p, []byte("X_BEGIN")) {
			io.WriteString(c, rec(typeStdout, 1, "A: b\r\n\r\nx", 0))
		}
		last, err := io.ReadAll(c)
		gone <- errors.Join(err, errors.New(string(last)))
	}
	tr, _ := byHand(t, 0, limits, silent)
	if _, _, err := send(tr, request(t, "GET", "")); !upstream.TimedOut(err) {
		t.Errorf("%v", err)
	}
	if last := <-gone; last.Error() != "" {
		t.Errorf("%q", last)
	}
	r := request(t, "GET", "")
	r.Header.Set("X-Begin", "1")
	if _, body, err := send(tr, r); body != "x" || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%q %v", body, err)
	}
	<-gone
	tr, _ = byHand(t, 1, usual, silent)
	ctx, cancel := context.WithCancel(r.Context())
	resp, err := tr.RoundTrip(r.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if b, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("%q %v", b, err)
	}
	resp.Body.Close()
	if last := <-gone; last.Error() != string(abort) {
		t.Errorf("the last bytes for a client that left: %q", last)
	}
}

// A server gets its process back when the response has come, however slow the client is.
func TestEndsWithTheResponse(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, 100_000} {
		gone := make(chan struct{}, 1)
		tr, _ := byHand(t, 0, usual, func(c net.Conn, _ []byte) {
			text := rec(typeStdout, 1, "A: b\r\n\r\n", 0)
			for range size / 10 {
				text += rec(typeStdout, 1, "0123456789", 0)
			}
			io.WriteString(c, text+rec(typeStdout, 1, "", 0)+endRec(0, 0))
			_, _ = c.Read(make([]byte, 1))
			gone <- struct{}{}
		})
		resp, err := tr.RoundTrip(request(t, "GET", ""))
		if err != nil {
			t.Fatal(err)
		}
		if size < 1000 { // it came in one piece
			<-gone
		}
		if b, err := io.ReadAll(resp.Body); len(b) != size || err != nil {
			t.Errorf("%d bytes of %d, %v", len(b), size, err)
		}
		if size > 1000 {
			<-gone
		}
		if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("%d %v behind the end", n, err)
		}
		resp.Body.Close()
	}
}
