package spool

import "golang.org/x/sys/unix"

// Space is how many bytes an unprivileged process may still write to path's file system, and
// whether that is memory. 0: unknown.
func Space(path string) (free int64, memory bool) {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return 0, false
	}
	kind := uint32(st.Type) // the fields are int32 on a system of 32 bits
	return int64(st.Bavail) * int64(st.Bsize), kind == unix.TMPFS_MAGIC || kind == unix.RAMFS_MAGIC
}
