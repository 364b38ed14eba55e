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

// shared has the slots of this process.
var shared = sync.OnceValue(func() *limiter { return newLimiter(runtime.GOMAXPROCS(0)) })

// Procs sets GOMAXPROCS to usual, and to most from the first slot that is taken until none
// was taken for a while. There are most-1 slots. It is called once, before any slot is taken;
// without it GOMAXPROCS stays what it is.
func Procs(usual, most int) {
	runtime.GOMAXPROCS(usual)
	manyFor(usual)
	l := newLimiter(most)
	l.usual, l.most, l.set = usual, most, func(n int) {
		manyFor(n)
		runtime.GOMAXPROCS(n)
	}
	shared = func() *limiter { return l }
	retune = l.retune
}

// Usual changes what Procs has set as usual. Without Procs it does nothing.
func Usual(procs int) { retune(procs) }

var retune = func(int) {}

// keep is how long the Ps stay after the last slot was returned: each change stops all
// goroutines for a moment.
const keep = 2 * time.Second

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

	// Of Procs. set is nil without it.
	usual, most int
	set         func(procs int)

	mu      sync.Mutex
	free    int
	raised  bool            // there are most Ps
	idle    time.Time       // when the last slot was returned
	timer   *time.Timer     // lowers; nil: never raised
	waiting []chan struct{} // each is closed when its goroutine has the slot
}

func newLimiter(procs int) *limiter {
	l := &limiter{free: max(procs-1, 1), pauses: procs < 2}
	l.done = l.give
	return l
}

func (l *limiter) take() {
	l.mu.Lock()
	l.raise()
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
		if l.set != nil {
			l.idle = time.Now()
		}
		return
	}
	close(l.waiting[0])
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
}

// raise gives the process the Ps for work with slots. mu is held.
func (l *limiter) raise() {
	if l.set == nil || l.raised || l.usual == l.most {
		return
	}
	l.raised = true
	l.set(l.most)
	if l.timer == nil {
		l.timer = time.AfterFunc(keep, l.lower)
	} else {
		l.timer.Reset(keep)
	}
}

// retune sets usual, at once unless there are most Ps for work. A slot that is held now is held for a millisecond or two.
func (l *limiter) retune(usual int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if usual = min(usual, l.most); usual == l.usual {
		return
	}
	l.usual = usual
	if !l.raised {
		l.set(usual)
	}
}

// lower takes them back when no slot was taken for keep. It runs on the timer's goroutine.
func (l *limiter) lower() {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := keep
	if l.free == max(l.most-1, 1) {
		rest = keep - time.Since(l.idle)
	}
	if rest > 0 {
		l.timer.Reset(rest)
		return
	}
	l.raised = false
	l.set(l.usual)
}
