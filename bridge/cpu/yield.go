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

// Yield lets other goroutines go first, where that is cheap. It is called before a read that would find nothing: the bytes may
// be there when the goroutine runs again, and a call, a wait and a wake-up are saved. busy is how many requests are under way, as
// far as the caller knows.
func Yield(busy int64) {
	if busy >= crowd.Load() {
		runtime.Gosched()
	}
}
