package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

type status int

func (s status) Error() string   { return "failed" }
func (s status) HTTPStatus() int { return int(s) }

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err                               error
		refused, closed, broken, timedOut bool
		status                            int
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true, false, true, false, 0},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false, true, true, false, 0},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, false, false, true, true, 0},
		{io.EOF, false, true, true, false, 0},
		{syscall.EPIPE, false, true, true, false, 0},
		{context.DeadlineExceeded, false, false, false, true, 0},
		{errors.New("http: server closed idle connection"), false, false, true, false, 0},
		{status(431), false, false, false, false, 431},
	} {
		if Refused(c.err) != c.refused || Closed(c.err) != c.closed || Broken(c.err) != c.broken || TimedOut(c.err) != c.timedOut || StatusOf(c.err) != c.status {
			t.Errorf("%v: %v %v %v %v %d", c.err, Refused(c.err), Closed(c.err), Broken(c.err), TimedOut(c.err), StatusOf(c.err))
		}
	}
	plain, upgrade := &Request{}, &Request{Upgrade: true}
	for code, want := range map[int][2]bool{100: {false, false}, 101: {false, true}, 200: {true, true}, 599: {true, true}, 600: {false, false}} {
		if plain.Answers(code) != want[0] || upgrade.Answers(code) != want[1] {
			t.Errorf("%d", code)
		}
	}
}
