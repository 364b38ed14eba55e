package spool

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// An open file keeps its name here; closeUnlinked removes it.
func unlinkOpen(*os.File) {}

func closeUnlinked(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// canShare: a file that another process has open cannot be removed.
const canShare = false

func noSpace(err error) bool { return errors.Is(err, windows.ERROR_DISK_FULL) }
