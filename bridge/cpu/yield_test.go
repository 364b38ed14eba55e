package cpu

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// With one P each call yields; with several only where all are busy.
func TestYield(t *testing.T) {
	procs := runtime.GOMAXPROCS(1)
	defer func() { runtime.GOMAXPROCS(procs); manyFor(procs) }()
	yields := func(busy int64) bool {
		n := 0
		const times = 100
		for range times { // one in five does not yield; this goroutine may be preempted meanwhile, or the other one wait behind one more
			var ran atomic.Bool
			go ran.Store(true)
			before := ran.Load()
			Yield(busy)
			if ran.Load() && !before {
				n++
			}
		}
		return n > times/2
	}
	manyFor(1)
	if !yields(0) {
		t.Error("with one P nothing else goes first")
	}
	manyFor(2) // said only: the number of Ps stays one
	yields(7)
	if yields(Unknown) {
		t.Error("a few requests elsewhere are taken for busy Ps")
	}
	yields(8)
	if !yields(Unknown) {
		t.Error("with many requests elsewhere nothing else goes first")
	}
	if crowd.Load() != 2 || !yields(2) {
		t.Error("with all Ps busy nothing else goes first")
	}
}

// After four yields of each request there is one without, so that the network is looked at.
func TestYieldsInARow(t *testing.T) {
	defer credit.Store(credit.Load())
	credit.Store(0)
	for _, n := range []int64{few, 100, 3} {
		for !mayYield(n) { // what is left of the credit for another number
		}
		for mayYield(n) {
		}
		for range 3 {
			without, in := int64(1), int64(0)
			for !mayYield(n) {
				without++
			}
			for in = 1; mayYield(n); in++ {
			}
			if in != rounds*n || without != n+1 {
				t.Errorf("%d requests: %d yields, then %d without", n, in, without)
			}
		}
	}
}
