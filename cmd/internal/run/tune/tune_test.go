package tune

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/config"
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
		Start(c.memory, Serving)
		if g, l := debug.SetGCPercent(100), debug.SetMemoryLimit(-1); g != c.growth || l != c.limit {
			t.Errorf("%s: growth %d, limit %d; want %d, %d", name, g, l, c.growth, c.limit)
		}
	}
}

// A P is free beside one that computes, even on one core; a server that forwards uses all cores.
func TestProcsFor(t *testing.T) {
	for cores, want := range map[int][3]int{1: {1, 1, 2}, 2: {1, 2, 2}, 3: {1, 3, 3}, 4: {2, 4, 4}, 16: {8, 16, 16}} {
		usual, most := procsFor(cores, Serving)
		forwards, mostToo := procsFor(cores, Forwarding)
		if usual != want[0] || forwards != want[1] || most != want[2] || mostToo != most {
			t.Errorf("%d cores: %d, %d and %d, %d Ps, want %v", cores, usual, forwards, most, mostToo, want)
		}
	}
}

// A route to other servers makes a server one that forwards, unless it has an app.
func TestLoadOf(t *testing.T) {
	files, proxy := config.Route{Handler: "static"}, config.Route{Handler: "proxy"}
	for want, list := range map[Load][]config.Config{
		Serving:    {{}, {Routes: []config.Route{files}}, {Routes: []config.Route{proxy}, Apps: []config.App{{}}}},
		Forwarding: {{Routes: []config.Route{files, proxy}}},
	} {
		for i := range list {
			if got := LoadOf(&list[i]); got != want {
				t.Errorf("%+v: %d, want %d", list[i], got, want)
			}
		}
	}
}

// The number follows what the server does, and one in the environment stays.
func TestProcsOfTheEnvironment(t *testing.T) {
	before := runtime.GOMAXPROCS(4)
	defer runtime.GOMAXPROCS(before)
	t.Setenv("GOMAXPROCS", "")
	fixProcs(Serving)
	Changed(Forwarding)
	if got := runtime.GOMAXPROCS(0); got != 4 {
		t.Errorf("%d Ps forward, want 4", got)
	}
	Changed(Serving)
	if got := runtime.GOMAXPROCS(0); got != 2 {
		t.Errorf("%d Ps serve, want 2", got)
	}
	t.Setenv("GOMAXPROCS", "3")
	runtime.GOMAXPROCS(3) // as Go sets it at the start
	fixProcs(Serving)
	Changed(Forwarding)
	if got := runtime.GOMAXPROCS(0); got != 3 {
		t.Errorf("%d Ps, want 3", got)
	}
}
