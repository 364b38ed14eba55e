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
	t.Setenv("GOMAXPROCS", "")
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
		Start(c.memory)
		if g, l := debug.SetGCPercent(100), debug.SetMemoryLimit(-1); g != c.growth || l != c.limit {
			t.Errorf("%s: growth %d, limit %d; want %d, %d", name, g, l, c.growth, c.limit)
		}
	}
}

// A P is free beside one that computes, even on one core. A number in the environment stays.
func TestFixProcs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, c := range []struct {
		environment string
		cores, want int
	}{{"", 1, 2}, {"", 2, 2}, {"", 5, 5}, {"1", 1, 1}, {"3", 3, 3}} {
		t.Setenv("GOMAXPROCS", c.environment)
		runtime.GOMAXPROCS(c.cores) // as Go sets it at the start
		fixProcs()
		if got := runtime.GOMAXPROCS(0); got != c.want {
			t.Errorf("GOMAXPROCS=%q, %d cores: %d Ps, want %d", c.environment, c.cores, got, c.want)
		}
	}
}
