package h2

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// upload is the body of a request. It tells a client that has disconnected, or reset the stream, from
// one that breaks the protocol: net/http has no error values for that.
type upload struct {
	io.ReadCloser
	c *conn
	r *http.Request
}

// Read is io.Reader's. Errors: httpx.ErrClientGone, wrapped, and those of net/http.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if err != nil && err != io.EOF && !errors.Is(err, os.ErrDeadlineExceeded) && (u.c.in.failed.Load() || u.r.Context().Err() != nil) {
		err = fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
	}
	return n, err
}
