package monitor

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Each time is in the bucket whose edges are around it, and no bucket is wider than an eighth of its beginning, or than the unit.
func TestBuckets(t *testing.T) {
	for i := range buckets {
		if got := bucket(edge(i)); got != i {
			t.Fatalf("the time at which bucket %d begins, %v, is in bucket %d", i, edge(i), got)
		}
		if i == 0 {
			continue
		}
		if got := bucket(edge(i) - 1); got != i-1 {
			t.Fatalf("the time before bucket %d is in bucket %d", i, got)
		}
		if width, begin := edge(i)-edge(i-1), edge(i-1); width > max(begin/steps, 1<<unit) {
			t.Fatalf("bucket %d is %v wide and begins at %v", i-1, width, begin)
		}
	}
	if got := edge(buckets - 1); got < 17*time.Minute || got > 18*time.Minute {
		t.Errorf("the last bucket begins at %v", got)
	}
	if bucket(-time.Second) != 0 || bucket(math.MaxInt64) != buckets-1 {
		t.Error("times beyond the edges are in other buckets")
	}
}

// The quantiles of random times are as exact as the width of a bucket allows.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	spread := map[string]func() time.Duration{
		"even":        func() time.Duration { return time.Duration(r.Int64N(int64(time.Second))) },
		"exponential": func() time.Duration { return time.Duration(r.ExpFloat64() * float64(20*time.Millisecond)) },
		"log-normal":  func() time.Duration { return time.Duration(math.Exp(r.NormFloat64()*2) * float64(time.Millisecond)) },
		"two humps": func() time.Duration {
			if r.IntN(20) == 0 {
				return 5*time.Second + time.Duration(r.Int64N(int64(time.Second)))
			}
			return 100*time.Microsecond + time.Duration(r.Int64N(int64(time.Millisecond)))
		},
		"all equal": func() time.Duration { return 1234567 * time.Nanosecond },
	}
	for name, draw := range spread {
		for _, n := range []int{1, 2, 3, 10, 99, 100, 101, 20000} {
			var s source
			for range r.IntN(3) * 50 { // what was counted before
				s.took(whole, draw())
			}
			s.requests.Add(1)
			s.tick(windowTicks)
			exact := make([]time.Duration, n)
			for i := range exact {
				exact[i] = draw()
				s.took(whole, exact[i])
			}
			s.requests.Add(1)
			slices.Sort(exact)
			now := s.read(s.last())
			got := quantilesOf(&now.times[whole], &s.looks[0].times[whole], s.longestOf(whole, 0, true))
			at := func(q float64) float64 { return exact[int(math.Ceil(q*float64(n)))-1].Seconds() }
			for _, c := range []struct {
				what      string
				got, want float64
			}{{"p50", got.P50, at(.5)}, {"p95", got.P95, at(.95)}, {"p99", got.P99, at(.99)}} {
				if off := math.Abs(c.got - c.want); off > c.want/steps+2e-6 {
					t.Errorf("%s, %d times: %s is %v, exactly %v", name, n, c.what, c.got, c.want)
				}
			}
			if want := exact[n-1].Seconds(); got.Max != want || got.P50 > got.P95 || got.P95 > got.P99 || got.P99 > got.Max {
				t.Errorf("%s, %d times: %+v, the longest is %v", name, n, got, want)
			}
		}
	}
}

// The numbers of a histogram may begin again between two looks, and the longest time may be that of another look.
func TestQuantilesAtTheEdges(t *testing.T) {
	var then, now counts
	then[10] = math.MaxUint32
	now[10] = 1 // two more
	if q := quantilesOf(&now, &then, edge(10)+1); q.P50 < edge(10).Seconds() || q.Max > edge(11).Seconds() {
		t.Errorf("%+v", q)
	}
	for _, longest := range []time.Duration{0, time.Hour} {
		if q := quantilesOf(&now, &then, longest); q.Max < edge(10).Seconds() || q.Max > edge(11).Seconds() {
			t.Errorf("longest %v: %+v", longest, q)
		}
	}
	now = counts{buckets - 1: 3}
	if q := quantilesOf(&now, nil, time.Hour); q.P50 != 3600 || q.Max != 3600 {
		t.Errorf("beyond all buckets: %+v", q)
	}
	if q := quantilesOf(&counts{}, nil, time.Hour); q != (Quantiles{}) {
		t.Errorf("without a time: %+v", q)
	}
}
