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

// Yield lets other goroutines go first, where that is cheap. It is called before a read that would find nothing: the bytes may
// be there when the goroutine runs again, and a call, a wait and a wake-up are saved. busy is how many requests are under way, as
// far as the caller knows.
func Yield(busy int64) {
	if busy == Unknown {
		busy = said.Load() / 4
	} else if said.Load() != busy { // a store would take the line from other processors
		said.Store(busy)
	}
	if busy >= crowd.Load() {
		runtime.Gosched()
	}
}
