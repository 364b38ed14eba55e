package server

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ends are the two ends of a connection, as RequestInfo has them. They are the same for
// all its requests.
type ends struct {
	peer                   netip.AddrPort
	remoteAddr, remotePort string
	serverName, serverPort string
}

// endsOf reads them. What is not TCP stays empty.
func endsOf(remote string, local net.Addr) (e ends) {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		e.peer = netip.AddrPortFrom(plain(ap.Addr()), ap.Port())
		i := strings.LastIndexByte(remote, ':')
		e.remoteAddr, e.remotePort = remote[:i], remote[i+1:]
		if remote[0] == '[' { // a zone and an IPv4 address in IPv6 are written plain
			e.remoteAddr = e.peer.Addr().String()
		}
	}
	if tcp, ok := local.(*net.TCPAddr); ok {
		e.serverName, e.serverPort = tcp.IP.String(), strconv.Itoa(tcp.Port)
		if strings.IndexByte(e.serverName, ':') >= 0 {
			e.serverName = "[" + e.serverName + "]"
		}
	}
	return e
}
