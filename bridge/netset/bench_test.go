package netset

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
)

// million calls add for 1,000,000 networks of a kind, and returns some of their addresses.
func million(kind string, add func(netip.Prefix)) (some []netip.Addr) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 1_000_000 {
		var p netip.Prefix
		switch x := binary.BigEndian.AppendUint32(nil, r.Uint32()); kind {
		case "addresses":
			p = netip.PrefixFrom(netip.AddrFrom4([4]byte(x)), 32)
		case "networks":
			p = netip.PrefixFrom(netip.AddrFrom4([4]byte(x)), 16+r.IntN(17)).Masked()
		default: // IPv6, /64
			p = netip.PrefixFrom(netip.AddrFrom16([16]byte(append(append([]byte{0x20}, x...), append([]byte{byte(r.Uint32())}, make([]byte, 10)...)...))), 64)
		}
		add(p)
		if i%500 == 0 {
			some = append(some, p.Addr())
		}
	}
	return some
}

// BenchmarkFind looks up addresses among 1,000,000 networks.
func BenchmarkFind(b *testing.B) {
	for _, kind := range []string{"addresses", "networks", "IPv6"} {
		b.Run(kind, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var builder Builder
			some := million(kind, func(p netip.Prefix) { builder.Add(p, 1) })
			s := builder.Build()
			runtime.GC()
			runtime.ReadMemStats(&after)
			i := 0
			for b.Loop() {
				if i++; i == len(some) {
					i = 0
				}
				s.Find(some[i])
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
			runtime.KeepAlive(s)
		})
	}
}
