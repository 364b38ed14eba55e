package tune

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// What the user has set in the environment stays; otherwise the growth and half of the limit
// are in force.
func TestStart(t *testing.T) {
	cores, growth, limit := runtime.GOMAXPROCS(0), debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() { runtime.GOMAXPROCS(cores); debug.SetGCPercent(growth); debug.SetMemoryLimit(limit) }()
	for name, c := range map[string]struct {
		gogc, memlimit string
		memory         int64
		growth         int
		limit          int64
	}{
		"nothing is set":   {"", "", 1 << 30, heapGrowth, 1 << 29},
		"no control group": {"", "", 0, heapGrowth, 1 << 40},
		"both are set":     {"100", "1GiB", 1 << 30, 100, 1 << 40},
	} {
		t.Setenv("GOGC", c.gogc)
		t.Setenv("GOMEMLIMIT", c.memlimit)
		debug.SetGCPercent(100)
		debug.SetMemoryLimit(1 << 40)
		before := runtime.NumGoroutine()
		Start(c.memory)()
		if g, l := debug.SetGCPercent(100), debug.SetMemoryLimit(-1); g != c.growth || l != c.limit {
			t.Errorf("%s: growth %d, limit %d; want %d, %d", name, g, l, c.growth, c.limit)
		}
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("%s: %d goroutines, %d before", name, n, before)
		}
	}
}
