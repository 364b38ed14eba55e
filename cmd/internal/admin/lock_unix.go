//go:build unix

package admin

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// lock locks the folder for a moment; it leaves no file. After ten seconds it proceeds without
// the lock.
func lock(dir string) (unlock func(), err error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	for range 1000 {
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			break
		}
		time.Sleep(10 * time.Millisecond) // flock(2) has no timeout
	}
	return func() {
		_ = unix.Flock(fd, unix.LOCK_UN) // a child before its execve(2) has the folder open as well
		_ = unix.Close(fd)
	}, nil
}
