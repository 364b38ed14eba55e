package netset

import (
	"fmt"
	"net/netip"
	"strings"
)

// Parse reads an address or a network. IPv4 in IPv6 (::ffff:10.0.0.0/104) is IPv4. A network whose address has bits behind its
// length is refused: it may be meant otherwise.
func Parse(text string) (netip.Prefix, error) {
	if strings.IndexByte(text, '/') < 0 {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is not an address or a network such as 10.0.0.0/8", text)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an address or a network such as 10.0.0.0/8", text)
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q has bits set behind its length; the network is %s", text, p.Masked())
	}
	return p, nil
}
