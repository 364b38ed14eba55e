package static

import (
	"io/fs"
	"syscall"
)

// changed is the time of the last change of the inode, in nanoseconds; 0: unknown.
func changed(st fs.FileInfo) int64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return s.Ctim.Nano()
	}
	return 0
}
