//go:build !linux

package server

import "net"

// unsent: the system does not tell.
func unsent(net.Conn) (n int, ok bool) { return 0, false }
