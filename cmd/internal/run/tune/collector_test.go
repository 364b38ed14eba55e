package tune

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// A small heap may have much garbage, a large one little.
func TestCollectorPace(t *testing.T) {
	t.Setenv("GOGC", "")
	defer func() { debug.SetGCPercent(100) }()
	paceCollector()
	reaches := func(want int64) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); collectorPace.Load() != want; time.Sleep(time.Millisecond) { // finalizers run by themselves
			if time.Now().After(end) {
				t.Fatalf("%d %%, want %d", collectorPace.Load(), want)
			}
			runtime.GC()
		}
	}
	reaches(collectorMost)
	held := make([]byte, 100<<20)
	reaches(collectorLeast)
	runtime.KeepAlive(held)
	held = nil
	reaches(collectorMost)
}
