//go:build !linux

package supervisor

import (
	"errors"
	"io"
	"time"
)

type forker struct{}

func newForker(io.ReadWriteCloser) (*forker, error) {
	return nil, errors.New("preload works on Linux only")
}

func (*forker) close() {}

func (*forker) fork(time.Duration) (*Child, error) { return nil, errors.ErrUnsupported }
