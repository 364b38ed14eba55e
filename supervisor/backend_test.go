package supervisor

import (
	"testing"
	"time"
)

// A hiccup leaves prefetch on, after a moment; slow requests that are more than a few
// switch it off, and their end on again.
func TestPace(t *testing.T) {
	p := pace{smooth: 2 * prefetchWait}
	on := func() bool { return p.slow <= slowShare && 4*p.smooth <= prefetchWait }
	if on() {
		t.Error("on before anything is known")
	}
	run := func(n int, d time.Duration) {
		for range n {
			p.ran(d, false)
		}
	}
	run(30, 100*time.Microsecond)
	if !on() {
		t.Errorf("off after 30 short ones: %+v", p)
	}
	p.ran(time.Second, true)
	if !on() {
		t.Errorf("a worker's first request counts: %+v", p)
	}
	run(1, 10*time.Second)
	run(30, 100*time.Microsecond)
	if !on() {
		t.Errorf("off 30 requests after a hiccup: %+v", p)
	}
	for range 20 {
		run(1, 60*time.Millisecond)
		run(20, 100*time.Microsecond)
	}
	if on() {
		t.Errorf("on though one in 21 is slow: %+v", p)
	}
	run(600, 100*time.Microsecond)
	if !on() {
		t.Errorf("off long after the slow ones: %+v", p)
	}
	run(100, 3*time.Millisecond)
	if on() {
		t.Errorf("on for requests of 3 ms: %+v", p)
	}
}
