//go:build unix

package client

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/standpipe/standpipe/cmd/internal/admin"
)

// trusted: a folder in which only our user, its service and root can have put a
// socket. In a temporary folder anybody may make one under our name; what is directly in /run was made by root, for a
// service (RuntimeDirectory).
func trusted(dir string) bool {
	st, err := os.Lstat(dir)
	if err != nil || !st.IsDir() || st.Mode().Perm()&0o022 != 0 {
		return false
	}
	uid, ok := ownerOf(st)
	return ok && (uid == os.Getuid() || uid == 0 || filepath.Dir(dir) == "/run")
}

func ownerOf(st os.FileInfo) (int, bool) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(sys.Uid), true
}

// owners are the owner of the socket at path and, where the kernel tells, the user that it was made by: a server that was
// started by root and has given root up is of both.
func owners(ctx context.Context, path string) (list []int) {
	if st, err := os.Lstat(path); err == nil {
		if uid, ok := ownerOf(st); ok {
			list = append(list, uid)
		}
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return list
	}
	defer c.Close()
	if uid, ok := admin.PeerUID(c); ok {
		list = append(list, uid)
	}
	return list
}
