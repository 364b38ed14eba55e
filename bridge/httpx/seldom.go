package httpx

import (
	"sync"
	"time"
)

// Seldom is the brake on log lines that a client could repeat at will: it allows
// each key once per Every, and remembers at most Max keys. While all Max are
// fresh, further keys are not allowed: a flood of new keys must not flood the log.
type Seldom struct {
	Every time.Duration // 0: once for ever
	Max   int           // 0: 1024

	mu   sync.Mutex
	seen map[string]time.Time
}

// Allow reports whether the line for key may be written now.
func (s *Seldom) Allow(key string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.seen[key]; ok && !s.old(last, now) {
		return false
	}
	if s.seen == nil {
		s.seen = make(map[string]time.Time)
	}
	limit := s.Max
	if limit == 0 {
		limit = 1024
	}
	if _, ok := s.seen[key]; !ok && len(s.seen) >= limit && !s.sweep(now) {
		return false
	}
	s.seen[key] = now
	return true
}

func (s *Seldom) old(last, now time.Time) bool { return s.Every > 0 && now.Sub(last) >= s.Every }

// sweep forgets what is old and reports whether that made room.
func (s *Seldom) sweep(now time.Time) bool {
	room := false
	for k, last := range s.seen {
		if s.old(last, now) {
			delete(s.seen, k)
			room = true
		}
	}
	return room
}
