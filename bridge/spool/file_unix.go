//go:build unix

package spool

import (
	"errors"
	"os"
	"syscall"
)

// unlinkOpen removes the file's name: its bytes are freed when it is closed, even by a kill.
func unlinkOpen(f *os.File) { _ = os.Remove(f.Name()) }

func closeUnlinked(f *os.File) { _ = f.Close() }

// canShare: a file that another process has open can be removed.
const canShare = true

// noSpace: the file system, the user's quota, or the process's file size limit.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
