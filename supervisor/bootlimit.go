package supervisor

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// The pause after a failed boot; each further failure doubles it.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 30 * time.Second
)

// hungBoot is how long one boot counts against a limit. After that it may hang (its process was stopped, say, or the app waits
// at its import), and it must not keep other workers from booting until its own boot timeout. 5 s is longer than most imports
// take, so that a limit holds for boots that work.
const hungBoot = 5 * time.Second

// BootLimiter bounds how many workers boot at a time, first come, first served. Two hundred interpreters that start together
// take as long as one after the other, but all of them are ready last, each near its own boot timeout.
//
// Each generation of a pool has one; NewBootLimiter makes one that several pools share. While the last boot failed one worker
// boots at a time, after a pause that doubles. A worker that becomes ready ends that, and doubles the limit: an outage is
// short beside other load. A boot that has not ended after hungBoot does not count any more.
type BootLimiter struct {
	limit  int          // 0: no limit
	parent *BootLimiter // a further limit, of several pools; nil: none

	mu      sync.Mutex
	waiting []*boot
	booting int // boots under way
	counted int // boots under way that are not older than hungBoot
	proven  bool
	failing bool
	pause   time.Duration
	next    time.Time   // while failing: no boot before
	timer   *time.Timer // for next; nil: it was never needed
}

// NewBootLimiter returns a limiter that pools share; n at a time, 0: no limit.
func NewBootLimiter(n int) *BootLimiter {
	if n <= 0 {
		return nil
	}
	return &BootLimiter{limit: n}
}

// boot is one boot that waits for its begin or that was admitted.
type boot struct {
	of       *BootLimiter
	parent   *boot // the same boot at the further limiter; nil: there is none
	admitted chan struct{}

	// Under of.mu:
	hung   *time.Timer
	counts bool
	over   bool
}

// enter waits until a boot may begin, and returns it; its end must be called. nil: stop was closed before.
func (l *BootLimiter) enter(stop <-chan struct{}) *boot {
	b := &boot{of: l, admitted: make(chan struct{})}
	l.mu.Lock()
	l.waiting = append(l.waiting, b)
	l.admit()
	l.mu.Unlock()
	select {
	case <-b.admitted:
	case <-stop:
		b.end(bootLeft)
		return nil
	}
	if l.parent != nil {
		if b.parent = l.parent.enter(stop); b.parent == nil {
			b.end(bootLeft)
			return nil
		}
	}
	return b
}

// admit lets boots begin as far as the limits allow. mu is held.
func (l *BootLimiter) admit() {
	for len(l.waiting) > 0 {
		limit := l.limit
		if l.proven {
			limit *= 2
		}
		if l.failing {
			limit = 1
			if wait := time.Until(l.next); wait > 0 {
				l.wake(wait)
				return
			}
		}
		if limit > 0 && l.counted >= limit {
			return
		}
		b := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.booting++
		l.counted++
		b.counts = true
		b.hung = time.AfterFunc(hungBoot, b.uncount) // ends by itself
		close(b.admitted)
	}
	if l.timer != nil {
		l.timer.Stop()
	}
}

// wake calls admit after d. mu is held.
func (l *BootLimiter) wake(d time.Duration) {
	if l.timer != nil {
		l.timer.Reset(d)
		return
	}
	l.timer = time.AfterFunc(d, func() { // ends by itself
		l.mu.Lock()
		defer l.mu.Unlock()
		l.admit()
	})
}

// uncount lets another boot begin beside one that may hang.
func (b *boot) uncount() {
	b.of.mu.Lock()
	defer b.of.mu.Unlock()
	if b.counts {
		b.counts = false
		b.of.counted--
		b.of.admit()
	}
}

// bootEnd is how a boot ended.
type bootEnd int

const (
	booted     bootEnd = iota
	bootFailed         // the next boot waits
	bootLeft           // the worker was not wanted any more: that says nothing about the next boot
)

// end ends a boot, and returns the pause before the next one. Only the first call counts.
func (b *boot) end(how bootEnd) time.Duration {
	if b.parent != nil {
		b.parent.end(bootLeft)
	}
	l := b.of
	l.mu.Lock()
	defer l.mu.Unlock()
	if b.over {
		return 0
	}
	b.over = true
	if i := slices.Index(l.waiting, b); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
		return 0
	}
	b.hung.Stop()
	l.booting--
	if b.counts {
		b.counts = false
		l.counted--
	}
	switch how {
	case booted:
		l.failing, l.pause, l.proven = false, 0, true
	case bootFailed:
		if l.pause *= 2; !l.failing {
			l.pause = firstPause
		}
		l.pause = min(l.pause, lastPause)
		l.failing = true
		// A quarter at random, so that several servers do not start in step.
		l.next = time.Now().Add(l.pause - l.pause/8 + time.Duration(rand.Int64N(int64(l.pause/4))))
	}
	l.admit()
	return l.pause
}

// state reports whether the last boot failed, and how many are under way.
func (l *BootLimiter) state() (failing bool, booting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failing, l.booting
}
