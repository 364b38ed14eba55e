package spool

import (
	"os"

	"golang.org/x/sys/unix"
)

// memoryFile returns a file in memory, for a system on which no file can be made.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("standpipe-body", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "memfd:standpipe-body"), nil
}
