//go:build unix

package discover

import (
	"os"
	"syscall"
)

// sameOwner reports whether a program at path may be run for the project in dir: it belongs to root, to this user, or to the
// owner of dir.
func sameOwner(dir, path string) bool {
	owner, ok := ownerOf(path)
	if !ok {
		return false
	}
	of, ok := ownerOf(dir)
	return owner == 0 || int(owner) == os.Geteuid() || ok && owner == of
}

func ownerOf(path string) (uint32, bool) {
	st, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return sys.Uid, true
}
