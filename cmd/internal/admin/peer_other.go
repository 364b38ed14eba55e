//go:build !linux

package admin

import "net"

func peer(net.Conn) string { return "unknown" }

// PeerUID is not known here.
func PeerUID(net.Conn) (uid int, ok bool) { return 0, false }
