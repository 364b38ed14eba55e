package admin

import (
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// peer is the user and the process at the other end.
func peer(c net.Conn) string {
	u := credentials(c)
	if u == nil {
		return "unknown"
	}
	return fmt.Sprintf("uid=%d pid=%d", u.Uid, u.Pid)
}

// PeerUID is the user at the other end of a unix socket; for a client, the user of the server when it began to listen.
func PeerUID(c net.Conn) (uid int, ok bool) {
	u := credentials(c)
	if u == nil {
		return 0, false
	}
	return int(u.Uid), true
}

// credentials are those that the kernel knows (unix(7), SO_PEERCRED); nil: none.
func credentials(c net.Conn) *unix.Ucred {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	var u *unix.Ucred
	_ = raw.Control(func(fd uintptr) {
		if u, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err != nil {
			u = nil
		}
	})
	return u
}
