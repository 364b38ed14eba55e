//go:build unix

package client

import (
	"os"
	"syscall"
)

// trusted: a folder in which nobody but us, its service and root can have put a
// socket. In a temporary folder anybody may make one under our name.
func trusted(dir string) bool {
	st, err := os.Lstat(dir)
	if err != nil || !st.IsDir() || st.Mode().Perm()&0o022 != 0 {
		return false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	return int(sys.Uid) == os.Getuid() || sys.Uid == 0 || dir == "/run/standpipe"
}
