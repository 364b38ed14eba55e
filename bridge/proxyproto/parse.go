package proxyproto

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Parse reads a whole header, for which More has returned 0.
func Parse(p []byte) (Header, error) {
	if more, err := More(p); err != nil || more > 0 {
		if err == nil {
			err = fmt.Errorf("%w: it is cut off", ErrInvalid)
		}
		return Header{}, err
	}
	if p[0] == text[0] {
		return parseText(string(p[:len(p)-2]))
	}
	return parseBinary(p, p[len(binary2)], p[len(binary2)+1], p[fixed2:])
}

// parseText reads version 1, without its line end.
func parseText(line string) (h Header, err error) {
	words := strings.Split(line, " ")
	if words[1] == "UNKNOWN" {
		return h, nil // what follows is to be ignored
	}
	if len(words) != 6 || words[1] != "TCP4" && words[1] != "TCP6" {
		return h, fmt.Errorf("%w: want PROXY TCP4 or TCP6, two addresses and two ports", ErrInvalid)
	}
	if h.Source, err = end(words[2], words[4], words[1] == "TCP4"); err == nil {
		h.Destination, err = end(words[3], words[5], words[1] == "TCP4")
	}
	if err != nil {
		return Header{}, err
	}
	return h, nil
}

// end reads one end of a connection.
func end(address, port string, is4 bool) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Zone() != "" || a.Is4() != is4 {
		return netip.AddrPort{}, fmt.Errorf("%w: %.50q is not an address of its family", ErrInvalid, address)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || len(port) > 1 && port[0] == '0' {
		return netip.AddrPort{}, fmt.Errorf("%w: %.10q is not a port", ErrInvalid, port)
	}
	return netip.AddrPortFrom(a, uint16(n)), nil
}

// parseBinary reads version 2: rest is the header from its addresses on.
func parseBinary(header []byte, command, family byte, rest []byte) (h Header, err error) {
	switch command {
	case cmdLocal:
		return h, nil // what follows is to be ignored
	case cmdProxy:
	default:
		return h, fmt.Errorf("%w: version and command %#02x", ErrInvalid, command)
	}
	size, ok := sizes[family]
	switch {
	case !ok:
		return h, fmt.Errorf("%w: address family %#02x; TCP over IPv4 or IPv6 is known", ErrInvalid, family)
	case len(rest) < size:
		return h, fmt.Errorf("%w: its addresses are cut off", ErrInvalid)
	}
	block, fields := rest[:size], rest[size:]
	port := func(i int) uint16 { return binary.BigEndian.Uint16(block[i:]) }
	switch family {
	case tcp4:
		h.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte(block)), port(8))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom4([4]byte(block[4:])), port(10))
	case tcp6:
		h.Source = netip.AddrPortFrom(netip.AddrFrom16([16]byte(block)), port(32))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom16([16]byte(block[16:])), port(34))
	}
	if err := h.take(header, fields); err != nil {
		return Header{}, err
	}
	return h, nil
}
