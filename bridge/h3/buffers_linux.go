package h3

import (
	"net"

	"golang.org/x/sys/unix"
)

// granted returns the sizes of the socket's buffers, as the kernel counts them.
func granted(udp *net.UDPConn) (read, write int, ok bool) {
	raw, err := udp.SyscallConn()
	if err != nil {
		return 0, 0, false
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		if read, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF); failed == nil {
			write, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
		}
	})
	return read, write, err == nil && failed == nil
}
