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

// trusted reports whether only this user, the service of the folder and root can have put a socket into it. In a temporary
// folder every user may make one with our name; a folder directly in /run was made by root, for a service
// (RuntimeDirectory).
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

// owners are the owner of the socket at path and, if the kernel tells, the user that made it: a server that root started
// and that has dropped root privileges belongs to both.
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
