package listen

import (
	"context"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel knows the backlog that was asked for.
func TestBacklog(t *testing.T) {
	ln, err := Listen(context.Background(), Spec{Address: "127.0.0.1:0", Backlog: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || info.Sacked != 7 { // of a listener: its backlog (tcp(7))
			t.Errorf("backlog %d, %v", info.Sacked, err)
		}
	})
}
