package httpx

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"

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
	// Alt has the value of Alt-Svc for each answer; nil: there is none, and nil in it: there is
	// none for now.
	Alt *atomic.Pointer[string]
}

// EndsOf reads them. For what is neither TCP nor UDP they stay empty.
func EndsOf(remote string, local net.Addr) (e Ends) {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		e.Peer = netip.AddrPortFrom(PlainAddr(ap.Addr()), ap.Port())
		i := strings.LastIndexByte(remote, ':')
		e.RemoteAddr, e.RemotePort = remote[:i], remote[i+1:]
		if remote[0] == '[' { // a zone and an IPv4 address in IPv6 are written plain
			e.RemoteAddr = e.Peer.Addr().String()
		}
	}
	switch a := local.(type) {
	case *net.TCPAddr:
		e.serve(a.IP, a.Port)
	case *net.UDPAddr:
		e.serve(a.IP, a.Port)
	}
	return e
}

func (e *Ends) serve(ip net.IP, port int) {
	e.ServerName, e.ServerPort = ip.String(), strconv.Itoa(port)
	if strings.IndexByte(e.ServerName, ':') >= 0 {
		e.ServerName = "[" + e.ServerName + "]"
	}
}

// Announce adds Alt-Svc to the fields of an answer.
func (e *Ends) Announce(d *Defaults) {
	if e.Alt == nil {
		return
	}
	if v := e.Alt.Load(); v != nil {
		d.Add("Alt-Svc", *v)
	}
}

// PlainAddr is an address without its zone; IPv4 in IPv6 becomes IPv4.
func PlainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
