package supervisor

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// awaitExit returns true when the process has ended, and leaves it unreaped.
func awaitExit(pid int) bool {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err == nil
		}
	}
}

func maxRSS(ru *syscall.Rusage) int64 { return ru.Maxrss << 10 } // KiB
