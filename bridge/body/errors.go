package body

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// The errors of a request body: these, httpx.ErrClientGone, spool.ErrFull and
// spool.ErrDiskFull. Each may be wrapped.
var (
	// ErrTooLarge: the body has more bytes than Options.Max.
	ErrTooLarge = errors.New("the request body is larger than max_body")
	// ErrStalled: the client is slower with its body than Options.Pace allows.
	ErrStalled = errors.New("the client stopped sending the request body")
	// ErrMalformed: broken chunks, for which ways in have error values of their own.
	ErrMalformed = errors.New("the request body does not follow the protocol")
	// ErrStopped: the body is read after Stop. No client sees it.
	ErrStopped = errors.New("the request is over")
)

// StatusOf returns the status that answers an error of a request body, and the time
// after which the client may try again; 0: at once. Status 0: err is no such error.
func StatusOf(err error) (status int, retryAfter time.Duration) {
	switch {
	case errors.Is(err, httpx.ErrClientGone):
		return httpx.StatusClientGone, 0
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge, 0
	case errors.Is(err, ErrStalled):
		return http.StatusRequestTimeout, 0
	case errors.Is(err, ErrMalformed):
		return http.StatusBadRequest, 0
	case errors.Is(err, spool.ErrFull):
		return http.StatusServiceUnavailable, 5 * time.Second
	case errors.Is(err, spool.ErrDiskFull):
		return http.StatusInsufficientStorage, 0
	}
	return 0, 0
}

// cause tells apart the errors that a read of a body from a client may have.
func cause(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded): // before OpError, which wraps it
		return ErrStalled
	case errors.Is(err, httpx.ErrClientGone): // a way in says so
		return fmt.Errorf("within the request body: %w", err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &op), errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%w within its request body: %w", httpx.ErrClientGone, err)
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}
