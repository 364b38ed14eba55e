//go:build unix

package inherit

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Close marks every descriptor above 2 that this process holds as close-on-exec: a socket from
// systemd, or a descriptor that a shell has left open, must not reach workers and their
// children. It is called before any worker is started.
func Close() {
	if closeRange() {
		return
	}
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		return
	}
	for _, e := range list {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}
