package bridge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// takeBody reads the whole request body before a worker is taken, so that a slow
// client holds none. Refusals come first: net/http sends "100 Continue" at the
// first Read (RFC 9110 10.1.1), and a client that is refused need not upload.
func (t *turn) takeBody() error {
	r := t.r
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	if t.MaxBody > 0 && r.ContentLength > t.MaxBody {
		t.bound()
		return fmt.Errorf("%w (%d octets declared, %d allowed)", httpx.ErrTooLarge, r.ContentLength, t.MaxBody)
	}
	if err := t.Pool.Admit(); err != nil {
		t.bound()
		return err
	}
	t.body = t.Spool.Take()
	var progress func()
	rc := http.NewResponseController(t.w)
	if t.BodyTimeout > 0 {
		progress = func() { _ = rc.SetReadDeadline(time.Now().Add(t.BodyTimeout)) } // not every server has one
	}
	err := t.body.Fill(r.Body, t.MaxBody, progress)
	if err != nil {
		// The deadline stays: net/http reads a little further after the answer,
		// and must not wait for ever either.
		return bodyError(err)
	}
	if progress != nil {
		_ = rc.SetReadDeadline(time.Time{})
	}
	return nil
}

// bound gives net/http a deadline for what it reads of a refused body after the
// answer.
func (t *turn) bound() {
	_ = http.NewResponseController(t.w).SetReadDeadline(time.Now().Add(10 * time.Second))
}

// bodyError tells apart: ours, a silent client, one that has left, and broken
// chunks (for which net/http has no error values).
func bodyError(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, httpx.ErrTooLarge), errors.Is(err, httpx.ErrSpoolFull):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errStalled
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &op), errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%w within its request body: %w", errClientGone, err)
	}
	return fmt.Errorf("%w: %w", errBadBody, err)
}
