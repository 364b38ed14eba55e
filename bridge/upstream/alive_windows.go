package upstream

import "net"

// alive: a dead connection shows when it is used.
func alive(net.Conn) bool { return true }
