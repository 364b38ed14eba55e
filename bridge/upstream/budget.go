package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

// budget bounds retries to a part of the requests, so that a group that is overloaded does not get even more. Some are
// always allowed, for routes with few requests.
type budget struct {
	percent  int
	requests atomic.Int64 // since the start

	mu      sync.Mutex
	begun   time.Time // of the present period
	base    int64     // requests at its begin
	before  int64     // requests in the period before it
	retries [2]int64  // in this period and the one before
}

const (
	budgetPeriod = 10 * time.Second
	// freeRetries are allowed in each period, whatever the number of requests.
	freeRetries = 30
)

// spend reports whether a retry is allowed at now, and counts it.
func (b *budget) spend(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	total := b.requests.Load()
	if d := now.Sub(b.begun); d >= 2*budgetPeriod { // what was counted is old, and of an unknown time
		b.begun, b.base, b.before, b.retries = now, max(total-1, 0), 0, [2]int64{}
	} else if d >= budgetPeriod {
		b.begun, b.base, b.before, b.retries = now, total, total-b.base, [2]int64{0, b.retries[0]}
	}
	allowed := freeRetries + (total-b.base+b.before)*int64(b.percent)/100
	if b.percent == 0 || b.retries[0]+b.retries[1] >= allowed {
		return false
	}
	b.retries[0]++
	return true
}

// sweep keeps the period current where nothing is retried.
func (b *budget) sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Sub(b.begun) >= budgetPeriod {
		total := b.requests.Load()
		b.begun, b.base, b.before, b.retries = now, total, total-b.base, [2]int64{0, b.retries[0]}
	}
}
