//go:build !linux

package corpus

import "net"

func cork(net.Conn) {}
