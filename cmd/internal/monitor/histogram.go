package monitor

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram counts times in buckets. A bucket is an eighth of a doubling, so that a quantile is off by 12.5 % at most; below 8 units
// of 1.024 µs each unit is a bucket. The last bucket has all times from 17 minutes on.
const (
	unit    = 10 // bits of a time in nanoseconds that are not looked at: 1.024 µs
	steps   = 8  // of one doubling; below that number each unit is a bucket
	fine    = 3  // bits: 1<<fine == steps
	buckets = 224
)

// histogram is added to from any goroutine. Its numbers only grow, and begin again after 2^32.
type histogram [buckets]atomic.Uint32

// counts are its numbers at one time.
type counts [buckets]uint32

// bucket is the index of the bucket of a time.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0)) >> unit
	if v < steps {
		return int(v)
	}
	doubling := bits.Len64(v) - fine // 1 for 8..15 units
	return min((doubling-1)<<fine+int(v>>(doubling-1)), buckets-1)
}

// edge is where a bucket begins.
func edge(i int) time.Duration {
	if i < steps {
		return time.Duration(i) << unit
	}
	doubling := i >> fine // 1 for the first one
	return time.Duration(steps+i&(steps-1)) << (doubling - 1) << unit
}

func (h *histogram) add(d time.Duration) { h[bucket(d)].Add(1) }

// read copies the numbers.
func (h *histogram) read(into *counts) {
	for i := range h {
		into[i] = h[i].Load()
	}
}

// quantilesOf are those of what was counted between two looks; then is nil for the first one. longest is the longest time of these,
// as exactly as it is known.
func quantilesOf(now, then *counts, longest time.Duration) Quantiles {
	var d counts
	n, top := uint64(0), -1
	for i := range now {
		d[i] = now[i]
		if then != nil {
			d[i] -= then[i]
		}
		if d[i] > 0 {
			n, top = n+uint64(d[i]), i
		}
	}
	if n == 0 {
		return Quantiles{}
	}
	if top < buckets-1 {
		longest = min(longest, edge(top+1)) // what was counted last may not be in it, or be the only one that is
	}
	longest = max(longest, edge(top))
	at := func(permille uint64) float64 { return min(d.rank((n*permille+999)/1000), longest).Seconds() }
	return Quantiles{P50: at(500), P95: at(950), P99: at(990), Max: longest.Seconds()}
}

// rank is the time of the request with that rank (from 1), as if the times of a bucket lay in it evenly.
func (c *counts) rank(k uint64) time.Duration {
	before := uint64(0)
	for i := range c {
		if here := uint64(c[i]); before+here >= k {
			if i == buckets-1 {
				return 1 << 62 // it has no end
			}
			width := edge(i+1) - edge(i)
			return edge(i) + time.Duration(float64(width)*float64(k-before)/float64(here))
		}
		before += uint64(c[i])
	}
	return 0
}
