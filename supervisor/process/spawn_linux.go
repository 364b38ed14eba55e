package process

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// awaitExit returns true when the process has ended, and does not reap it. A wait in the kernel would hold one OS thread for
// each worker; a pidfd waits in the poller, beside the pipes. Where there is none (Linux before 5.10) a thread waits.
func awaitExit(pid int) bool {
	if fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK); err == nil {
		f := os.NewFile(uintptr(fd), "pidfd")
		defer f.Close()
		if raw, err := f.SyscallConn(); err == nil {
			ended := false
			err := raw.Read(func(uintptr) bool {
				var err error
				ended, err = hasEnded(pid, unix.WNOHANG)
				return ended || err != nil
			})
			if err == nil { // otherwise the poller does not take it
				return ended
			}
		}
	}
	ended, _ := hasEnded(pid, 0)
	return ended
}

// isZombie reports whether a child has ended and was not reaped.
func isZombie(pid int) bool {
	ended, _ := hasEnded(pid, unix.WNOHANG)
	return ended
}

// hasEnded looks whether a process has ended, and does not reap it; how is WNOHANG, or 0 to wait for the end.
func hasEnded(pid, how int) (bool, error) {
	for {
		var info childInfo
		err := unix.Waitid(unix.P_PID, pid, (*unix.Siginfo)(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT|how, nil)
		if err != unix.EINTR {
			return err == nil && int(info.pid) == pid, err
		}
	}
}

func maxRSS(ru *syscall.Rusage) int64 { return int64(ru.Maxrss) << 10 } // KiB
