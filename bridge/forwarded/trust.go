package forwarded

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Trust is the set of proxies whose word about the client is taken. The zero
// Trust has no proxies.
type Trust struct {
	nets []netip.Prefix
	unix bool
	all  bool
}

// DefaultTrust is what holds when nothing is configured: this machine's loopback
// and unix sockets. With no proxy trusted, a site behind a local proxy that speaks
// https would redirect for ever.
var DefaultTrust = []string{"loopback", "unix"}

// ParseTrust reads trusted_proxies: addresses, networks (10.0.0.0/8),
// "loopback", "unix", or "*" for every peer. The error names all items that are wrong.
func ParseTrust(items []string) (*Trust, error) {
	t := &Trust{}
	var bad []string
	for _, item := range items {
		for s := range strings.SplitSeq(item, ",") {
			switch s = strings.TrimSpace(s); s {
			case "":
				continue
			case "*":
				t.all, t.unix = true, true
				continue
			case "unix":
				t.unix = true
				continue
			case "loopback":
				t.nets = append(t.nets, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
				continue
			}
			if p, err := netip.ParsePrefix(s); err == nil {
				if p.Addr().Is4In6() && p.Bits() >= 96 {
					p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
				}
				t.nets = append(t.nets, p.Masked())
			} else if a, err := netip.ParseAddr(s); err == nil {
				a = httpx.PlainAddr(a)
				t.nets = append(t.nets, netip.PrefixFrom(a, a.BitLen()))
			} else {
				bad = append(bad, fmt.Sprintf("%q", s))
			}
		}
	}
	if bad != nil {
		return nil, fmt.Errorf("trusted_proxies: %s: not an address, a network such as 10.0.0.0/8, loopback, unix or *", strings.Join(bad, ", "))
	}
	return t, nil
}

// Addr reports whether a is a trusted proxy. IPv4 in IPv6 (::ffff:10.0.0.1) is
// that IPv4 address, and a zone does not count.
func (t *Trust) Addr(a netip.Addr) bool {
	if t == nil || !a.IsValid() {
		return false
	}
	if t.all {
		return true
	}
	a = httpx.PlainAddr(a)
	for _, p := range t.nets {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Peer is Addr for the other end of a socket: an invalid address means a unix
// socket.
func (t *Trust) Peer(a netip.Addr) bool {
	if !a.IsValid() {
		return t != nil && t.unix
	}
	return t.Addr(a)
}
