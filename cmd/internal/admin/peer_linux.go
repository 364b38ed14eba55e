package admin

import (
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// peer says who is at the other end, by what the kernel knows (unix(7), SO_PEERCRED).
func peer(c net.Conn) string {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return "unknown"
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return "unknown"
	}
	who := "unknown"
	_ = raw.Control(func(fd uintptr) {
		if u, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			who = fmt.Sprintf("uid=%d pid=%d", u.Uid, u.Pid)
		}
	})
	return who
}
