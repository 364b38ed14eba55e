package tune

import (
	"runtime"
	"testing"
	"time"
)

func TestGovernor(t *testing.T) {
	for name, c := range map[string]struct {
		samples []sample
		from    int
		want    int
	}{
		"full, and one to spare":                    {repeat(sample{0.95, 0.9}, samplesMore), 1, 2},
		"full, and three to spare":                  {append(repeat(sample{1.9, 3}, samplesMore), repeat(sample{3.8, 3}, samplesMore)...), 2, 8},
		"full for a moment":                         {repeat(sample{0.95, 0.9}, samplesMore-1), 1, 1},
		"never more than there are":                 {repeat(sample{7.9, 3}, 9), 8, 8},
		"full beside workers that are":              {repeat(sample{0.97, 0.02}, 50), 1, 1},
		"half":                                      {repeat(sample{0.5, 1.4}, 50), 1, 1},
		"two, of which one would do":                {repeat(sample{0.5, 1.4}, samplesLess), 2, 1},
		"two, of which one would do for a moment":   {repeat(sample{0.5, 1.4}, samplesLess-1), 2, 2},
		"two, of which one would not do":            {repeat(sample{1.2, 0.5}, 50), 2, 2},
		"two that workers want and that are filled": {repeat(sample{1.9, 0}, 50), 2, 2},
		"two that workers want":                     {repeat(sample{1.1, 0.05}, samplesTaken), 2, 1},
		"idle":                                      {repeat(sample{0, 2}, 500), 8, 1},
	} {
		g, now := governor{most: 8}, c.from
		for _, l := range c.samples {
			now = g.next(now, l)
		}
		if now != c.want {
			t.Errorf("%s: %d, want %d", name, now, c.want)
		}
	}
}

func repeat(c sample, n int) []sample {
	list := make([]sample, n)
	for i := range list {
		list[i] = c
	}
	return list
}

// The meter sees a core that is kept busy.
func TestCoresMeter(t *testing.T) {
	look := coresMeter()
	if look == nil {
		t.Skip("SKIP[no-proc]: no /proc/stat")
	}
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
	}
	if c := look(); c.used < 0.02 || c.used > float64(runtime.NumCPU())+1 || c.idle < 0 || c.idle > float64(runtime.NumCPU()) {
		t.Errorf("%+v after 300 ms of work", c)
	}
	if c := look(); c.used < 0 || c.idle < 0 {
		t.Errorf("%+v", c)
	}
}

// The pace ends, and leaves no goroutine.
func TestPaceCoresEnds(t *testing.T) {
	most := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(most)
	before := runtime.NumGoroutine()
	paceCores()()
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	t.Setenv("GOMAXPROCS", "2")
	runtime.GOMAXPROCS(2)
	paceCores()()
	if n := runtime.GOMAXPROCS(0); n != 2 {
		t.Errorf("%d cores though the user has said 2", n)
	}
}
