package process

import (
	"os"
	"testing"
	"time"
)

func TestCPUTime(t *testing.T) {
	for stat, want := range map[string]time.Duration{
		"7 (python3) S 1 7 7 0 -1 4194560 500 0 0 0 150 25 9 9 20 0 4 0 100 200 300":    1750 * time.Millisecond,
		"7 (a) R 1 (b c) S 1 7 7 0 -1 4194560 500 0 0 0 100 0 9 9 20 0 4 0 100 200 300": time.Second,
		"7 (python3) S 1 7": 0,
		"7":                 0,
		"":                  0,
	} {
		if got := cpuTime(stat); got != want {
			t.Errorf("%q: %v, want %v", stat, got, want)
		}
	}
	for until := time.Now().Add(time.Minute); CPU(os.Getpid()) == 0; { // it computes until that shows
		if time.Now().After(until) {
			t.Fatal("the processor time of this process stays 0")
		}
	}
	if CPU(0) != 0 || residentSize(os.Getpid()) == 0 || residentSize(1<<30) != 0 {
		t.Error("sizes and times of processes that do not exist, or of this one, are wrong")
	}
}
