//go:build unix

package httpx

import (
	"errors"
	"os"
	"syscall"
)

// unlinkOpen takes the file's name away: its octets go when it is closed, even
// by a kill.
func unlinkOpen(f *os.File) { _ = os.Remove(f.Name()) }

func closeUnlinked(f *os.File) { _ = f.Close() }

func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
