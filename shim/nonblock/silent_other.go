//go:build unix && (!linux || race || (!amd64 && !arm64))

package nonblock

import "syscall"

// Silent reports whether a socket is open and has nothing to read.
func Silent(fd uintptr) bool {
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err == syscall.EAGAIN
}
