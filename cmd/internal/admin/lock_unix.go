//go:build unix

package admin

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// lock holds the folder for a moment; no file is left behind. Who holds it longer
// than a second is not waited for.
func lock(dir string) (unlock func(), err error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	for range 100 {
		err = unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			break
		}
		time.Sleep(10 * time.Millisecond) // flock(2) has no timeout
	}
	return func() { _ = unix.Close(fd) }, nil
}
