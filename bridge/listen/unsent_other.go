//go:build !linux

package listen

import "net"

const sendsFiles = false

// acked: the system does not tell.
func acked(net.Conn) (n int64, ok bool) { return 0, false }

// unsent: the system does not tell.
func unsent(net.Conn) (n int, ok bool) { return 0, false }
