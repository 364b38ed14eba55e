package server

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsent is how many octets of what was written the other side has not taken yet;
// false: the system does not tell.
func unsent(c net.Conn) (n int, ok bool) {
	sc, is := c.(syscall.Conn)
	if !is {
		return 0, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, false
	}
	if cerr := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); cerr != nil || err != nil {
		return 0, false
	}
	return n, true
}
