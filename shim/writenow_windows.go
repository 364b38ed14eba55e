package shim

import (
	"errors"
	"syscall"
)

// An anonymous pipe of Windows has no write that does not wait: the writer
// goroutine writes everything.
const canWriteNow = false

func writeNow(syscall.RawConn, []byte) (int, error) { return 0, errors.ErrUnsupported }
