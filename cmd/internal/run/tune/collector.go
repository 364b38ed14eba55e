package tune

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// A server with a heap of a few MiB would collect garbage twenty times a second under load.
// collectorMost lets the heap grow by some ten MiB instead (5 to 10 % more requests). A
// large heap, with responses that slow clients have not read, would grow fivefold by that.
// So garbage may be collectorSlack bytes, as a percentage of the live heap, but no less than
// Go's own 100.
const (
	collectorMost  = 400
	collectorLeast = 100
	collectorSlack = 48 << 20
)

// collectorPace is the percentage in force; 0: Go's own, or that of GOGC.
var collectorPace atomic.Int64

// paceCollector starts the pace, unless GOGC sets one. It has no goroutine: a finalizer runs
// after each collection.
func paceCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	setPace(collectorMost)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	type mark struct{ again *func(*mark) } // the pointer keeps it out of a block of tiny objects, which could stay alive
	var again func(*mark)
	again = func(*mark) {
		metrics.Read(live)
		setPace(min(max(collectorSlack*100/int64(max(live[0].Value.Uint64(), 1)), collectorLeast), collectorMost))
		runtime.SetFinalizer(&mark{&again}, again)
	}
	runtime.SetFinalizer(&mark{&again}, again)
}

// limitMemory bounds Go's own memory, garbage included, by half of a control group's limit:
// the rest is for the workers. GOMEMLIMIT takes its place. 0: no limit is known.
func limitMemory(limit int64) {
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit / 2)
	}
}

// setPace changes the percentage if the difference is large: it stops the world for a moment.
func setPace(percent int64) {
	if old := collectorPace.Load(); percent == collectorMost && old != collectorMost || percent < old*3/4 || percent > old*5/4 || percent == collectorLeast && old != collectorLeast {
		collectorPace.Store(percent)
		debug.SetGCPercent(int(percent))
	}
}
