package listen

import (
	"golang.org/x/sys/unix"
)

const sendsFiles = true

// acked is how many bytes the other side of a TCP connection has taken since its begin;
// false: the system does not tell.
func acked(c *Conn) (n int64, ok bool) {
	if _, tcp := tcpOf(c); !tcp {
		return 0, false
	}
	err := control(c.raw, func(fd int) error {
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
func unsent(c *Conn) (n int, ok bool) {
	err := control(c.raw, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		return err
	})
	return n, err == nil
}
