//go:build !linux

package process

import (
	"errors"
	"io"
	"time"
)

// Forker is for Linux only.
type Forker struct{}

// NewForker fails.
func NewForker(io.ReadWriteCloser, Command) (*Forker, error) {
	return nil, errors.New("preload works on Linux only")
}

// Close does nothing.
func (*Forker) Close() {}

// Fork fails.
func (*Forker) Fork(time.Duration) (*Child, error) { return nil, errors.ErrUnsupported }
