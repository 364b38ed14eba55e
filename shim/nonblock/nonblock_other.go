//go:build unix && (!linux || race)

package nonblock

import "syscall"

// Read is syscall.Read. It repeats calls that a signal has interrupted.
func Read(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// Write is syscall.Write, likewise.
func Write(fd uintptr, p []byte) (int, error) { return writeLong(fd, p) }

// Writev writes a and b. parts is memory that Linux needs.
func Writev(fd uintptr, _ *[2]syscall.Iovec, a, b []byte) (int, error) {
	n, err := writeLong(fd, a)
	if err != nil || n < len(a) {
		return n, err
	}
	m, err := writeLong(fd, b)
	if n > 0 && err == syscall.EAGAIN { // the next call says so again
		err = nil
	}
	return n + m, err
}
