package netset

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Value is what a network stands for. 0: no network.
type Value uint16

// Match is the most specific network that has an address.
type Match struct {
	Value Value
	Bits  uint8 // of the network
}

// Set finds the network of an address. The nil and the zero Set have no networks.
type Set struct {
	first    []uint32   // of four, by the first 16 bits of an address: how many ranges begin before them; empty: no ranges
	four     []uint32   // where ranges of IPv4 begin, ascending
	fourHas  []Match    // of the range
	hi, lo   []uint64   // where ranges of IPv6 begin, ascending: the halves of the address
	levels   [][]uint64 // hi, then each with one in step of the one before
	sixHas   []Match
	networks int
}

// step values are in two lines of the processor's cache: what a search costs is the lines that it reads.
const step = 16

// six is an IPv6 address.
type six struct{ hi, lo uint64 }

func sixOf(a netip.Addr) six {
	b := a.As16()
	return six{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func fourOf(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// Networks counts the networks that were added.
func (s *Set) Networks() int {
	if s == nil {
		return 0
	}
	return s.networks
}

// Find returns the most specific network that has the address; a Value of 0: none has it. IPv4 in IPv6 is IPv4, and a zone
// does not count. An invalid address is in no network.
func (s *Set) Find(a netip.Addr) Match {
	if s == nil {
		return Match{}
	}
	if a = a.Unmap(); a.Is4() {
		return s.find4(fourOf(a))
	}
	if len(s.hi) == 0 || !a.IsValid() {
		return Match{}
	}
	return s.find6(sixOf(a))
}

func (s *Set) find4(key uint32) Match {
	if len(s.first) == 0 {
		return Match{}
	}
	at := key >> 16
	low, high := int(s.first[at]), int(s.first[at+1])
	for low < high { // the first range behind key
		if mid := int(uint(low+high) >> 1); s.four[mid] <= key {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return Match{}
	}
	return s.fourHas[low-1]
}

func (s *Set) find6(key six) Match {
	at := 0 // the first in hi that is not less than key's
	for i, level := range slices.Backward(s.levels) {
		low, high := 0, len(level)
		if i < len(s.levels)-1 {
			low, high = max(0, (at-1)*step+1), min(at*step, high)
		}
		for low < high {
			if mid := int(uint(low+high) >> 1); level[mid] < key.hi {
				low = mid + 1
			} else {
				high = mid
			}
		}
		at = low
	}
	if at == len(s.hi) || s.hi[at] != key.hi {
		return s.before6(at)
	}
	n := 1 // of the ranges with the same half, more than this one may begin before key
	for at+n < len(s.hi) && s.hi[at+n] == key.hi && s.lo[at+n] <= key.lo {
		n *= 2
	}
	low, high := at+n/2, min(at+n, len(s.hi))
	for low < high { // the first range behind key
		if mid := int(uint(low+high) >> 1); s.hi[mid] == key.hi && s.lo[mid] <= key.lo {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return s.before6(low)
}

func (s *Set) before6(i int) Match {
	if i == 0 {
		return Match{}
	}
	return s.sixHas[i-1]
}
