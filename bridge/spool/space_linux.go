package spool

import "golang.org/x/sys/unix"

// Space is how many bytes an unprivileged process may still write to path's file system, and
// whether that is memory. 0: unknown.
func Space(path string) (free int64, memory bool) {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return 0, false
	}
	return int64(st.Bavail) * st.Bsize, st.Type == unix.TMPFS_MAGIC || st.Type == unix.RAMFS_MAGIC
}
