//go:build unix && !linux

package static

import (
	"io/fs"
	"syscall"
)

const nonBlocking = syscall.O_NONBLOCK

// changed is not asked here: the field has another name on each system.
func changed(fs.FileInfo) int64 { return 0 }

// links is how many names a file has; 0: it was removed.
func links(st fs.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}
