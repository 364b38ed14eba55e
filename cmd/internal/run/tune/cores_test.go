package main

import (
	"runtime"
	"testing"
	"time"
)

func TestProcs(t *testing.T) {
	for name, c := range map[string]struct {
		looks []cores
		from  int
		want  int
	}{
		"full, and one to spare":                    {repeat(cores{0.95, 0.9}, procsMore), 1, 2},
		"full, and three to spare":                  {append(repeat(cores{1.9, 3}, procsMore), repeat(cores{3.8, 3}, procsMore)...), 2, 8},
		"full for a moment":                         {repeat(cores{0.95, 0.9}, procsMore-1), 1, 1},
		"never more than there are":                 {repeat(cores{7.9, 3}, 9), 8, 8},
		"full beside workers that are":              {repeat(cores{0.97, 0.02}, 50), 1, 1},
		"half":                                      {repeat(cores{0.5, 1.4}, 50), 1, 1},
		"two, of which one would do":                {repeat(cores{0.5, 1.4}, procsCalm), 2, 1},
		"two, of which one would do for a moment":   {repeat(cores{0.5, 1.4}, procsCalm-1), 2, 2},
		"two, of which one would not do":            {repeat(cores{1.2, 0.5}, 50), 2, 2},
		"two that workers want and that are filled": {repeat(cores{1.9, 0}, 50), 2, 2},
		"two that workers want":                     {repeat(cores{1.1, 0.05}, procsFull), 2, 1},
		"idle":                                      {repeat(cores{0, 2}, 500), 8, 1},
	} {
		p, now := procs{most: 8}, c.from
		for _, l := range c.looks {
			now = p.next(now, l)
		}
		if now != c.want {
			t.Errorf("%s: %d, want %d", name, now, c.want)
		}
	}
}

func repeat(c cores, n int) []cores {
	list := make([]cores, n)
	for i := range list {
		list[i] = c
	}
	return list
}

// What is measured is what happens: a core that is kept busy is seen.
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
func TestPaceProcsEnds(t *testing.T) {
	most := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(most)
	before := runtime.NumGoroutine()
	paceProcs()()
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	t.Setenv("GOMAXPROCS", "2")
	runtime.GOMAXPROCS(2)
	paceProcs()()
	if n := runtime.GOMAXPROCS(0); n != 2 {
		t.Errorf("%d cores though the user has said 2", n)
	}
}
