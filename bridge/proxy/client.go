package proxy

import (
	"net/netip"
	"strconv"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/proxyproto"
)

// headerOf is what a PROXY header says of the request's client.
func headerOf(n *httpx.RequestInfo) *proxyproto.Header {
	h := &proxyproto.Header{}
	if a, err := netip.ParseAddr(n.RemoteAddr); err == nil {
		h.Source = netip.AddrPortFrom(a, portOf(n.RemotePort))
		to := netip.IPv6Unspecified() // the server may have a name instead of an address
		if a.Is4() {
			to = netip.IPv4Unspecified()
		}
		if own, err := netip.ParseAddrPort(n.ServerName + ":" + n.ServerPort); err == nil {
			to = own.Addr().WithZone("")
		}
		h.Destination = netip.AddrPortFrom(to, portOf(n.ServerPort))
	}
	if n.Scheme == "https" {
		h.TLS = &proxyproto.TLS{}
	}
	for _, v := range n.Extra {
		switch {
		case v.Name == "PROXY_PROTOCOL_AWS_VPCE_ID":
			h.AWSEndpoint = v.Value
		case v.Name == "SSL_TLS_SNI":
			h.Authority = v.Value
		case h.TLS == nil:
		case v.Name == "SSL_PROTOCOL":
			h.TLS.Version = v.Value
		case v.Name == "SSL_CIPHER":
			h.TLS.Cipher = v.Value
		case v.Name == "SSL_CLIENT_S_DN_CN": // of a certificate that verifies
			h.TLS.Certificate, h.TLS.CommonName = true, v.Value
		}
	}
	return h
}

// portOf is 0 where the port is unknown.
func portOf(s string) uint16 {
	n, _ := strconv.ParseUint(s, 10, 16)
	return uint16(n)
}
