package listen

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

const sendsFiles = true

// control calls f with the descriptor of c.
func control(c net.Conn, f func(fd int) error) error {
	sc, is := c.(syscall.Conn)
	if !is {
		return syscall.ENOTSOCK
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// acked is how many bytes the other side of a TCP connection has taken since its begin;
// false: the system does not tell.
func acked(c net.Conn) (n int64, ok bool) {
	if _, tcp := c.(*net.TCPConn); !tcp {
		return 0, false
	}
	err := control(c, func(fd int) error {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			n = int64(info.Bytes_acked)
		}
		return err
	})
	return n, err == nil && n > 0
}

// unsent is how many bytes of what was written the other side has not taken yet;
// false: the system does not tell.
func unsent(c net.Conn) (n int, ok bool) {
	err := control(c, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		return err
	})
	return n, err == nil
}
