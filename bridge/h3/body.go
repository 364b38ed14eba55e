package h3

import (
	"errors"
	"fmt"
	"io"

	"github.com/quic-go/quic-go/http3"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// upload is the body of a request. It tells a client that has reset the stream, or closed the
// connection, from one that breaks the protocol.
type upload struct{ io.ReadCloser }

// Read is io.Reader's. Errors: httpx.ErrClientGone, wrapped, and those of quic-go.
func (u upload) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if by, ok := errors.AsType[*http3.Error](err); ok && by.Remote {
		err = fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
	}
	return n, err
}
