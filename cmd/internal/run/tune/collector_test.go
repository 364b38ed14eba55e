package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// Garbage may be much beside little, and little beside much.
func TestGCPace(t *testing.T) {
	t.Setenv("GOGC", "")
	defer func() { debug.SetGCPercent(100) }()
	paceGC()
	reaches := func(want int64) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); gcPace.Load() != want; time.Sleep(time.Millisecond) { // finalizers run by themselves
			if time.Now().After(end) {
				t.Fatalf("%d %%, want %d", gcPace.Load(), want)
			}
			runtime.GC()
		}
	}
	reaches(gcMost)
	held := make([]byte, 100<<20)
	reaches(gcLeast)
	runtime.KeepAlive(held)
	held = nil
	reaches(gcMost)
}
