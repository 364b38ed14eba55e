package netset

import (
	"cmp"
	"net/netip"
	"slices"
)

// Builder collects networks. The zero Builder is ready for use.
type Builder struct {
	four []network[uint32]
	six  []network[six]
}

// network is what was added; its first address is its key.
type network[K any] struct {
	from  K
	bits  uint8
	value Value
}

func (n network[K]) match() Match { return Match{n.value, n.bits} }

// Add adds a network, as Parse returns it. Of the values of one network the smallest counts.
func (b *Builder) Add(p netip.Prefix, v Value) {
	if p = p.Masked(); p.Addr().Is4() {
		b.four = append(b.four, network[uint32]{fourOf(p.Addr()), uint8(p.Bits()), v})
	} else if p.IsValid() {
		b.six = append(b.six, network[six]{sixOf(p.Addr()), uint8(p.Bits()), v})
	}
}

// AddAll adds all addresses there are, as the least specific network.
func (b *Builder) AddAll(v Value) {
	b.Add(netip.PrefixFrom(netip.IPv4Unspecified(), 0), v)
	b.Add(netip.PrefixFrom(netip.IPv6Unspecified(), 0), v)
}

// Len counts the networks that were added.
func (b *Builder) Len() int { return len(b.four) + len(b.six) }

// Build makes the Set. The Builder is empty then.
func (b *Builder) Build() *Set {
	s := &Set{networks: b.Len()}
	slices.SortFunc(b.four, func(x, y network[uint32]) int {
		return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.bits, y.bits), cmp.Compare(x.value, y.value))
	})
	s.four, s.fourHas = flatten(b.four, cmp.Compare[uint32], last4, func(a uint32) (uint32, bool) { return a + 1, a+1 != 0 })
	b.four = nil
	slices.SortFunc(b.six, func(x, y network[six]) int {
		return cmp.Or(compare6(x.from, y.from), cmp.Compare(x.bits, y.bits), cmp.Compare(x.value, y.value))
	})
	starts, has := flatten(b.six, compare6, last6, next6)
	b.six, s.sixHas = nil, has
	s.hi, s.lo = make([]uint64, len(starts)), make([]uint64, len(starts))
	for i, at := range starts {
		s.hi[i], s.lo[i] = at.hi, at.lo
	}
	for level := s.hi; len(level) > 0; {
		s.levels = append(s.levels, level)
		if len(level) <= step {
			break
		}
		above := make([]uint64, 0, len(level)/step+1)
		for i := 0; i < len(level); i += step {
			above = append(above, level[i])
		}
		level = above
	}
	s.index()
	return s
}

// index makes first.
func (s *Set) index() {
	if len(s.four) == 0 {
		return
	}
	s.first = make([]uint32, 1<<16+1)
	at := 0
	for i := range s.first {
		for at < len(s.four) && s.four[at]>>16 < uint32(i) {
			at++
		}
		s.first[i] = uint32(at)
	}
}

func compare6(a, b six) int { return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo)) }

// last4 is the last address of a network.
func last4(from uint32, bits uint8) uint32 { return from | uint32(1<<(32-uint64(bits))-1) }

func last6(from six, bits uint8) six {
	if bits <= 64 {
		return six{from.hi | ^uint64(0)>>bits, ^uint64(0)} // a shift by 64 is 0
	}
	return six{from.hi, from.lo | ^uint64(0)>>(bits-64)}
}

// next6 is the address after a; false: there is none.
func next6(a six) (six, bool) {
	if a.lo++; a.lo == 0 {
		a.hi++
	}
	return a, a != six{}
}

// flatten cuts sorted networks into ranges: where each begins, and its network. It keeps the networks that the present one is
// inside of.
func flatten[K any](list []network[K], compare func(a, b K) int, last func(K, uint8) K, next func(K) (K, bool)) (starts []K, has []Match) {
	if len(list) == 0 {
		return nil, nil
	}
	starts, has = make([]K, 0, 2*len(list)), make([]Match, 0, 2*len(list))
	begin := func(at K, m Match) {
		if n := len(starts); n > 0 && compare(starts[n-1], at) == 0 { // the range before is empty
			starts, has = starts[:n-1], has[:n-1]
		}
		if n := len(has); n > 0 && has[n-1] == m || n == 0 && m == (Match{}) {
			return
		}
		starts, has = append(starts, at), append(has, m)
	}
	var open []network[K]
	leave := func() {
		end := last(open[len(open)-1].from, open[len(open)-1].bits)
		open = open[:len(open)-1]
		after := Match{}
		if len(open) > 0 {
			after = open[len(open)-1].match()
		}
		if at, ok := next(end); ok {
			begin(at, after)
		}
	}
	for i, n := range list {
		if i > 0 && n.bits == list[i-1].bits && compare(n.from, list[i-1].from) == 0 {
			continue
		}
		for len(open) > 0 && compare(last(open[len(open)-1].from, open[len(open)-1].bits), n.from) < 0 {
			leave()
		}
		open = append(open, n)
		begin(n.from, n.match())
	}
	for len(open) > 0 {
		leave()
	}
	return starts, has
}
