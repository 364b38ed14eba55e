package cpu

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// At any time at least one P is without a slot, and all others are used when there is work.
func TestOnePIsFree(t *testing.T) {
	for procs, want := range map[int]int32{1: 1, 2: 1, 3: 2, 8: 7} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(procs)
			var now, most atomic.Int32
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					for range 10 {
						l.take()
						n := now.Add(1)
						for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
						}
						time.Sleep(time.Millisecond) // the work
						now.Add(-1)
						l.give()
					}
				})
			}
			all.Wait()
			if most.Load() != want {
				t.Errorf("%d Ps: %d had a slot at the same time, want %d", procs, most.Load(), want)
			}
			if l.free != int(want) || len(l.waiting) != 0 {
				t.Errorf("%d Ps: %d slots are free in the end, want %d; %d wait", procs, l.free, want, len(l.waiting))
			}
		})
	}
}

// The slots of the process are as many as that, and a returned one can be taken.
func TestSlot(t *testing.T) {
	n := max(runtime.GOMAXPROCS(0)-1, 1)
	for range 3 {
		var taken []func()
		for range n {
			taken = append(taken, Slot())
		}
		for _, done := range taken {
			done()
		}
	}
	if l := shared(); l.free != n {
		t.Errorf("%d slots are free, want %d", l.free, n)
	}
}

// First come, first served: a goroutine that works slice after slice is behind all that came
// in the meantime.
func TestSlotsAreAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(2)
		l.take()
		var mu sync.Mutex
		var order []int
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				for range 3 {
					l.take()
					mu.Lock()
					order = append(order, i)
					mu.Unlock()
					time.Sleep(time.Millisecond) // the others queue meanwhile
					l.give()
				}
			})
			synctest.Wait() // it waits, before the next one comes
		}
		l.give()
		all.Wait()
		if want := []int{0, 1, 2, 0, 1, 2, 0, 1, 2}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

// With one P the holder of the slot sleeps for half of the time, and nobody else computes
// meanwhile. With more it never does.
func TestPauses(t *testing.T) {
	for procs, want := range map[int]time.Duration{1: 20 * time.Millisecond, 2: 10 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter(procs)
			began := time.Now()
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					for range 10 {
						l.take()
						time.Sleep(stint / 2) // the work
						l.give()
					}
				})
			}
			all.Wait()
			if took := time.Since(began); took != want {
				t.Errorf("%d Ps: 10 ms of work took %v, want %v", procs, took, want)
			}
		})
	}
}

func BenchmarkSlot(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Slot()()
	}
}

// The usual number changes at once, and while there are more Ps for work, after it.
func TestUsualChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(2)
		var procs []int
		l.usual, l.most, l.set = 1, 2, func(n int) { procs = append(procs, n) }
		l.retune(2)
		l.take() // there are enough already
		l.give()
		l.retune(2)
		l.retune(1)
		l.take()
		l.retune(8) // more than there may be
		l.retune(1)
		l.give()
		time.Sleep(2 * keep)
		synctest.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		if want := []int{2, 1, 2, 1}; !slices.Equal(procs, want) {
			t.Errorf("%v, want %v", procs, want)
		}
	})
}

// There are more Ps from the first slot on, until none was taken for a while.
func TestProcsFollowTheSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(2)
		var procs []int
		became := func(want ...int) bool { // set is called with mu held
			l.mu.Lock()
			defer l.mu.Unlock()
			return slices.Equal(procs, want)
		}
		l.usual, l.most, l.set = 1, 2, func(n int) { procs = append(procs, n) }
		l.take()
		if !became(2) {
			t.Fatalf("with a slot: %v", procs)
		}
		time.Sleep(3 * keep) // the work
		l.give()
		time.Sleep(keep / 2)
		l.take()
		l.give()
		time.Sleep(keep - time.Millisecond)
		if !became(2) {
			t.Errorf("before the end of keep: %v", procs)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if !became(2, 1) {
			t.Errorf("after it: %v", procs)
		}
		l.take()
		l.give()
		time.Sleep(3 * keep)
		synctest.Wait()
		if !became(2, 1, 2, 1) {
			t.Errorf("the second time: %v", procs)
		}
	})
}
