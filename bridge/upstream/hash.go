package upstream

import (
	"hash/fnv"
	"io"
	"math"
	"time"
)

// Hash sends requests with the same key to the same upstream (rendezvous hashing): when one comes or goes, only the keys of
// this one move. It is the same in every process. A request without a key goes where Otherwise says.
type Hash struct{ Otherwise Policy }

// Pick is of Policy. The weights are those of the configuration: a slow start would move keys.
func (p *Hash) Pick(all []*Member, among Set, key string, now time.Time) int {
	if key == "" {
		return p.Otherwise.Pick(all, among, key, now)
	}
	h := digest(key)
	best, most := -1, 0.0
	for i := range among.All() {
		// A number of (0, 1) that is this member's for this key; the score makes its chance to win proportional to its weight.
		u := (float64(mix(h^digest(all[i].Name))>>11) + 0.5) / (1 << 53)
		if score := -float64(all[i].Weight) / math.Log(u); best < 0 || score > most {
			best, most = i, score
		}
	}
	return best
}

func digest(s string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, s) // it cannot fail
	return h.Sum64()
}

// mix spreads the bits (the end of splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
