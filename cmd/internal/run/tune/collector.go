package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// A server of a few MiB would collect its garbage twenty times a second under load.
// gcMost lets it grow by some ten MiB instead (5 to 10 % more requests). A heap that
// is large, with what slow clients have not taken, would grow fivefold by that: so
// garbage may be gcSlack octets, in percent of what lives, but no less than Go's own 100.
const (
	gcMost  = 400
	gcLeast = 100
	gcSlack = 48 << 20
)

// gcPace is the percentage in force; 0: Go's own, or the user's.
var gcPace atomic.Int64

// paceGC starts the pace, unless GOGC says one. It has no goroutine: a finalizer runs
// after each collection.
func paceGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	setPace(gcMost)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	type mark struct{ again *func(*mark) } // with a pointer: no tiny object, which might stay
	var again func(*mark)
	again = func(*mark) {
		metrics.Read(live)
		setPace(min(max(gcSlack*100/int64(max(live[0].Value.Uint64(), 1)), gcLeast), gcMost))
		runtime.SetFinalizer(&mark{&again}, again)
	}
	runtime.SetFinalizer(&mark{&again}, again)
}

// limitMemory bounds Go's own memory, garbage included, by half of a control group's
// limit: the rest is the workers'. GOMEMLIMIT says otherwise. 0: no limit is known.
func limitMemory(limit int64) {
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit / 2)
	}
}

// setPace stops the world for a moment, so it is not done for little.
func setPace(percent int64) {
	if old := gcPace.Load(); percent == gcMost && old != gcMost || percent < old*3/4 || percent > old*5/4 || percent == gcLeast && old != gcLeast {
		gcPace.Store(percent)
		debug.SetGCPercent(int(percent))
	}
}
