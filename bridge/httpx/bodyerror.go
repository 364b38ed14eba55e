package httpx

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// StatusClientGone is what the access log shows for a request whose client left
// before an answer; nobody receives it. nginx made the number common.
const StatusClientGone = 499

var (
	// ErrClientGone: nobody is there to read an answer.
	ErrClientGone = errors.New("the client has left")
	// ErrStalled: nothing of the body came for as long as its read deadline allows.
	ErrStalled = errors.New("the client stopped sending the request body")
	// ErrBadBody: broken chunks, mostly, for which net/http has no error values.
	ErrBadBody = errors.New("the request body does not follow the protocol")
)

// BodyError tells apart what may go wrong while a request body is read: the spool's
// errors come back as they are, all others as one of the three above.
func BodyError(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrSpoolFull), errors.Is(err, ErrDiskFull):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded): // before OpError, which it comes in
		return ErrStalled
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &op), errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%w within its request body: %w", ErrClientGone, err)
	}
	return fmt.Errorf("%w: %w", ErrBadBody, err)
}
