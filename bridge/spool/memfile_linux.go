package spool

import (
	"os"

	"golang.org/x/sys/unix"
)

// memoryFile returns a file without a folder, for a system on which nothing can
// be written.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("standpipe-body", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "memfd:standpipe-body"), nil
}
