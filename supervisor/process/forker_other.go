//go:build !linux

package supervisor

import (
	"errors"
	"io"
	"os"
	"time"
)

type forker struct {
	give func(*os.File) error
	leaf *Cgroup
}

func newForker(io.ReadWriteCloser) (*forker, error) {
	return nil, errors.New("preload works on Linux only")
}

func (*forker) close() {}

func (*forker) fork(time.Duration) (*Child, error) { return nil, errors.ErrUnsupported }
