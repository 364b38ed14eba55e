package httpx

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/shim/wire"
)

// Ends are the two ends of a connection, as RequestInfo has them. They are the same for all its
// requests.
type Ends struct {
	// Peer is the other end; invalid for a unix socket.
	Peer netip.AddrPort
	// RemoteAddr and RemotePort are Peer's.
	RemoteAddr, RemotePort string
	// ServerName and ServerPort are the listener's.
	ServerName, ServerPort string
	// TLS: the client's connection has TLS, which ends here or at a proxy in front. Extra are
	// variables for the environ of each request.
	TLS   bool
	Extra []wire.Var
}

// EndsOf reads them. For what is not TCP they stay empty.
func EndsOf(remote string, local net.Addr) (e Ends) {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		e.Peer = netip.AddrPortFrom(PlainAddr(ap.Addr()), ap.Port())
		i := strings.LastIndexByte(remote, ':')
		e.RemoteAddr, e.RemotePort = remote[:i], remote[i+1:]
		if remote[0] == '[' { // a zone and an IPv4 address in IPv6 are written plain
			e.RemoteAddr = e.Peer.Addr().String()
		}
	}
	if tcp, ok := local.(*net.TCPAddr); ok {
		e.ServerName, e.ServerPort = tcp.IP.String(), strconv.Itoa(tcp.Port)
		if strings.IndexByte(e.ServerName, ':') >= 0 {
			e.ServerName = "[" + e.ServerName + "]"
		}
	}
	return e
}

// PlainAddr is an address without its zone; IPv4 in IPv6 becomes IPv4.
func PlainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
