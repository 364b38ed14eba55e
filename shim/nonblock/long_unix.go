//go:build unix

package nonblock

import "syscall"

// writeLong is syscall.Write, for calls that take long.
func writeLong(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
