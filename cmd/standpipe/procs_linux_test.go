package main

import (
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// Threads that stand in line for a core are seen.
func TestWaitMeter(t *testing.T) {
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		t.Skip("SKIP[no-proc]: no /proc/self/schedstat")
	}
	waited := waitMeter()
	waited()
	quit := make(chan struct{})
	var busy sync.WaitGroup
	defer func() { close(quit); busy.Wait() }()
	for range 2 * runtime.NumCPU() { // more threads than cores, each with a core to want
		busy.Go(func() {
			runtime.LockOSThread()
			for {
				select {
				case <-quit:
					return
				default:
				}
			}
		})
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2 * runtime.NumCPU()))
	for end := time.Now().Add(20 * time.Second); waited() == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("none waited")
		}
	}
}
