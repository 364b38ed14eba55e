//go:build unix

package privileges

import (
	"io/fs"
	"slices"
	"syscall"

	"github.com/standpipe/standpipe/supervisor/process"
)

// mayEnter reports whether the user may execute the file, or enter the folder.
func mayEnter(st fs.FileInfo, id process.Identity) bool { return may(st, id, 0o1) }

// mayRead reports whether the user may read the file, or list the folder.
func mayRead(st fs.FileInfo, id process.Identity) bool { return may(st, id, 0o4) }

// deny is how chmod takes from the user what it has of a file; empty: the user owns it.
func deny(st fs.FileInfo, id process.Identity) string {
	switch owner, ok := st.Sys().(*syscall.Stat_t); {
	case !ok || owner.Uid == id.UID:
		return ""
	case owner.Gid == id.GID || slices.Contains(id.Groups, owner.Gid):
		return "g="
	}
	return "o="
}

func may(st fs.FileInfo, id process.Identity, bit fs.FileMode) bool {
	owner, ok := st.Sys().(*syscall.Stat_t)
	switch mode := st.Mode().Perm(); {
	case !ok:
		return true
	case owner.Uid == id.UID:
		return mode&(bit<<6) != 0
	case owner.Gid == id.GID || slices.Contains(id.Groups, owner.Gid):
		return mode&(bit<<3) != 0
	default:
		return mode&bit != 0
	}
}
