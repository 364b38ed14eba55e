package cache

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// use is how an Answer is used. Those that were made of it by freshening share it.
type use struct {
	hits  atomic.Uint32
	until atomic.Int64 // the app has failed; nanoseconds
	why   atomic.Pointer[error]
}

const (
	// hotHits is how often an answer is served before it is refreshed ahead of its end.
	hotHits = 10
	// earlyPart is the part of its lifetime in which that happens, and earlyMost its longest.
	earlyPart = 10
	earlyMost = 30 * time.Second
	// failFor is how long a stale answer is served at once after the app has failed.
	failFor = time.Second
)

// due reports whether an answer that is fresh for ttl is refreshed now: a hot one, shortly before its end, sooner or later by
// chance.
func (u *use) due(a *Answer, ttl time.Duration) bool {
	early := min(a.Terms.Lifetime/earlyPart, earlyMost)
	return ttl < early && u.hits.Load() >= hotHits && rand.Int64N(int64(early)) > int64(ttl)*9/10
}

// fail notes that the app has failed.
func (u *use) fail(now time.Time, why error) {
	u.why.Store(&why)
	u.until.Store(now.Add(failFor).UnixNano())
}

// failure is how it has failed.
func (u *use) failure() error {
	if why := u.why.Load(); why != nil {
		return *why
	}
	return nil
}

// failing reports whether it has failed just now.
func (u *use) failing(now time.Time) bool { return now.UnixNano() < u.until.Load() }
