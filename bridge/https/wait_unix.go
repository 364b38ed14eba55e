//go:build unix

package https

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// waitRead waits until the socket has something to read, or its end.
func waitRead(raw syscall.RawConn) error {
	return raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return err != unix.EAGAIN && err != unix.EINTR
	})
}
