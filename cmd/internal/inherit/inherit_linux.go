package inherit

import "golang.org/x/sys/unix"

// closeRange is one call since Linux 5.11.
func closeRange() bool {
	return unix.CloseRange(3, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC) == nil
}
