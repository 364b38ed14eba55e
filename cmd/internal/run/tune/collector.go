package tune

import (
	"os"
	"runtime/debug"
)

// heapGrowth is how much garbage there may be before a collection, as a percentage of the
// live heap. With Go's default of 100 a server with a heap of a few MiB collects twice as
// often; a large heap may grow threefold, and limitMemory bounds it.
const heapGrowth = 200

// setCollector sets the growth, unless GOGC does.
func setCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}

// limitMemory bounds Go's own memory, garbage included, by half of a control group's limit:
// the rest is for the workers. GOMEMLIMIT takes its place. 0: no limit is known.
func limitMemory(limit int64) {
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit / 2)
	}
}
