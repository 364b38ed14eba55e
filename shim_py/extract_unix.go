//go:build !windows

package shim_py

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkParent refuses a folder in which another user could create or exchange ours.
func checkParent(info fs.FileInfo) error {
	if !info.IsDir() {
		return errors.New("not a folder")
	}
	if owner := ownerOf(info); owner != os.Geteuid() && owner != 0 {
		return fmt.Errorf("belongs to user %d", owner)
	}
	if info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("mode %04o: others may write there", info.Mode().Perm())
	}
	return nil
}

func checkOurs(info fs.FileInfo) error {
	if owner := ownerOf(info); owner != os.Geteuid() {
		return fmt.Errorf("belongs to user %d", owner)
	}
	if info.Mode()&fs.ModeSymlink == 0 && info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("mode %04o: others may write it", info.Mode().Perm())
	}
	if info.IsDir() && info.Mode().Perm()&0o055 != 0o055 {
		return fmt.Errorf("mode %04o: other users cannot read it", info.Mode().Perm())
	}
	return nil
}

// ownerOf returns the user id, or -1, which no user has, where the system tells none.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
