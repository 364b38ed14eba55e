//go:build unix

package static

import (
	"io/fs"
	"syscall"
)

const nonBlocking = syscall.O_NONBLOCK

// links is how many names a file has; 0: it was removed.
func links(st fs.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}

// owner is a file's user; -1: unknown.
func owner(st fs.FileInfo) int64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return int64(s.Uid)
	}
	return -1
}
