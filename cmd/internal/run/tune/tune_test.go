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

// A P is free beside one that computes, even on one core.
func TestProcsFor(t *testing.T) {
	for cores, want := range map[int][2]int{1: {1, 2}, 2: {1, 2}, 3: {1, 3}, 4: {2, 4}, 16: {8, 16}} {
		if usual, most := procsFor(cores); usual != want[0] || most != want[1] {
			t.Errorf("%d cores: %d and %d Ps, want %v", cores, usual, most, want)
		}
	}
}

// A number in the environment stays.
func TestProcsOfTheEnvironment(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	t.Setenv("GOMAXPROCS", "3")
	runtime.GOMAXPROCS(3) // as Go sets it at the start
	fixProcs()
	if got := runtime.GOMAXPROCS(0); got != 3 {
		t.Errorf("%d Ps, want 3", got)
	}
}
