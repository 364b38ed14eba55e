package corpus

import (
	"net"
	"syscall"
)

// cork has what is written to a TCP connection from now on wait for the close of its sending side, for 0.2 s at most: the server gets
// both at once.
func cork(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CORK, 1) })
}
