//go:build unix

package spool

import (
	"errors"
	"os"
	"syscall"
)

// lockFolder takes the lock of a folder that was just made. taken: another process has it, or
// has removed the folder. lock is nil where there are no locks for folders (some network file
// systems).
func lockFolder(path string) (lock *os.File, taken bool) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, errors.Is(err, os.ErrNotExist)
	}
	err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		dir.Close()
		return nil, errors.Is(err, syscall.EWOULDBLOCK)
	}
	if _, err := os.Lstat(path); err != nil { // removed before we had the lock
		dir.Close()
		return nil, true
	}
	return dir, false
}

// lockLeftover takes the lock of a folder that was found; nil: its process lives, it belongs to
// another user, or it is no folder.
func lockLeftover(path string) *os.File {
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil
	}
	info, err := dir.Stat()
	if err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
			err = os.ErrPermission
		}
	}
	if err == nil {
		err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		dir.Close()
		return nil
	}
	return dir
}
