package spool

import "net/netip"

// ClientKey identifies a client for its share of a Budget: its IPv4 address, or the /64 network
// of its IPv6 address, all of which belongs to one subscriber. The zero Prefix: unknown.
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
