package cpu

import (
	"runtime"
	"sync/atomic"
)

// crowd is how many requests have to be under way before Yield yields. With one P that costs nothing; with several each yield
// wakes a P that has nothing to run, so there has to be a request for each of them.
var crowd atomic.Int64

// manyFor sets crowd for a number of Ps.
func manyFor(procs int) {
	if procs == 1 {
		procs = 0
	}
	crowd.Store(int64(procs))
}

func init() { manyFor(runtime.GOMAXPROCS(0)) }

// Unknown is Yield's busy of a caller that does not know: then a quarter of what the last one that knew has said counts, because
// most of those requests wait elsewhere.
const Unknown = -1

// said is what the last caller that knew has said.
var said atomic.Int64

// A goroutine that yields finds its bytes and goes on, so while clients and servers answer at once the run queue is never empty,
// and Go's scheduler, which looks at the network when it is, does not see other connections' bytes for 10 ms. So after rounds
// yields of each request there is one without: the goroutines then wait for the network as usual, and all are served.
const (
	rounds = 4
	few    = 16 // requests under way at least, as far as this is concerned
)

// credit is how many yields there may still be; at 0 and below, how many calls went without.
var credit atomic.Int64

// Yield lets other goroutines go first, where that is cheap. It is called before a read that would find nothing: the bytes may
// be there when the goroutine runs again, and a call, a wait and a wake-up are saved. busy is how many requests are under way, as
// far as the caller knows.
func Yield(busy int64) {
	n := busy
	if busy == Unknown {
		n = said.Load()
		busy = n / 4
	} else if said.Load() != busy { // a store would take the line from other processors
		said.Store(busy)
	}
	if busy < crowd.Load() {
		return
	}
	if mayYield(max(n, few)) {
		runtime.Gosched()
	}
}

// mayYield takes a yield of the credit; n requests are under way.
func mayYield(n int64) bool {
	left := credit.Add(-1)
	if left <= -n {
		credit.Store(rounds*n + 1)
	}
	return left > 0
}
