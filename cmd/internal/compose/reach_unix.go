//go:build unix

package compose

import (
	"io/fs"
	"slices"
	"syscall"

	"github.com/standpipe/standpipe/supervisor"
)

// mayEnter: the user may execute the file, or search the folder.
func mayEnter(st fs.FileInfo, id supervisor.Identity) bool {
	owner, ok := st.Sys().(*syscall.Stat_t)
	switch mode := st.Mode().Perm(); {
	case !ok:
		return true
	case owner.Uid == id.UID:
		return mode&0o100 != 0
	case owner.Gid == id.GID || slices.Contains(id.Groups, owner.Gid):
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}
