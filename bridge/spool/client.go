package spool

import "net/netip"

// ClientKey is what a client's share of a Budget goes by: its IPv4 address, or the /64
// network of its IPv6 address, which one subscriber has all of. The zero Prefix: it is
// not known.
func ClientKey(addr string) netip.Prefix {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // within both kinds: no error
	return p
}
