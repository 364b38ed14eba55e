package httpx

import (
	"sync"
	"time"
)

// LogLimiter limits records that a client could cause as often as it likes: it allows each
// key once per Every, and keeps at most Max keys. While all Max keys are younger than Every,
// further keys are not allowed: many new keys must not flood the log.
type LogLimiter struct {
	Every time.Duration // 0: once for ever
	Max   int           // 0: 1024

	mu   sync.Mutex
	seen map[string]time.Time
}

// Allow reports whether the record for key may be written now.
func (l *LogLimiter) Allow(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.seen[key]; ok && !l.old(last, now) {
		return false
	}
	if l.seen == nil {
		l.seen = make(map[string]time.Time)
	}
	limit := l.Max
	if limit == 0 {
		limit = 1024
	}
	if _, ok := l.seen[key]; !ok && len(l.seen) >= limit && !l.sweep(now) {
		return false
	}
	l.seen[key] = now
	return true
}

func (l *LogLimiter) old(last, now time.Time) bool { return l.Every > 0 && now.Sub(last) >= l.Every }

// sweep removes old keys and reports whether there were any.
func (l *LogLimiter) sweep(now time.Time) bool {
	room := false
	for k, last := range l.seen {
		if l.old(last, now) {
			delete(l.seen, k)
			room = true
		}
	}
	return room
}
