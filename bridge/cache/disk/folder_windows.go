package disk

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// A file that is open keeps its name.
const canUnlink = false

const onlyFolder = 0

// Access control lists say who may use a folder here.
func ours(fs.FileInfo) bool { return true }

func trustedLink(fs.FileInfo) bool { return false }

func lockFile(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 1, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errBusy
	}
	return err
}

// unlockFile gives the lock back at once: what the system does when a file is closed may come later.
func unlockFile(f *os.File) {
	_ = windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 1, new(windows.Overlapped))
}

func noSpace(err error) bool { return errors.Is(err, windows.ERROR_DISK_FULL) }

func badSector(err error) bool { return errors.Is(err, windows.ERROR_CRC) }
