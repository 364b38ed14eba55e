package cpu

import (
	"runtime"
	"sync"
	"time"
)

// Slice is how many bytes are compressed or hashed with one slot: 0.1 to 1 ms.
const Slice = 32 << 10

// Slot waits for a slot; done returns it. The wait is a queue, first come, first served. A
// goroutine that has a slot waits for nothing: no client, no disk, no other slot.
func Slot() (done func()) {
	l := shared()
	l.take()
	return l.done
}

// shared has the slots of this process. GOMAXPROCS does not change after the start.
var shared = sync.OnceValue(func() *limiter { return newLimiter(runtime.GOMAXPROCS(0)) })

// With one P there is none to leave free. The goroutine with the slot sleeps for pause each
// time that slots were held for stint, and the P runs the others and looks at the network
// meanwhile. Go's shortest wait for the network is 1 ms.
const (
	stint = time.Millisecond
	pause = time.Millisecond
)

// limiter has a number of slots.
type limiter struct {
	done   func()        // give, bound once
	pauses bool          // there is one P
	began  time.Time     // when the slot was taken; for pauses
	worked time.Duration // since the last pause

	mu      sync.Mutex
	free    int
	waiting []chan struct{} // each is closed when its goroutine has the slot
}

func newLimiter(procs int) *limiter {
	l := &limiter{free: max(procs-1, 1), pauses: procs < 2}
	l.done = l.give
	return l
}

func (l *limiter) take() {
	l.mu.Lock()
	if l.free > 0 {
		l.free--
		l.mu.Unlock()
	} else {
		ready := make(chan struct{})
		l.waiting = append(l.waiting, ready)
		l.mu.Unlock()
		<-ready
	}
	if l.pauses {
		l.began = time.Now()
	}
}

func (l *limiter) give() {
	if l.pauses {
		if l.worked += time.Since(l.began); l.worked >= stint {
			l.worked = 0
			time.Sleep(pause) // with the slot: the next goroutine would compute at once
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.free++
		return
	}
	close(l.waiting[0])
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
}
