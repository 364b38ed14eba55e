package cache

import (
	"sync"
	"time"
)

// mostPasses bounds the keys that passes remembers.
const mostPasses = 1 << 16

// passes remembers the keys whose answers are not stored. Their requests do not wait for each
// other.
type passes struct {
	mu    sync.RWMutex
	until map[Key]time.Time
}

// has reports whether requests for k pass now.
func (p *passes) has(k Key, now time.Time) bool {
	p.mu.RLock()
	until, ok := p.until[k]
	p.mu.RUnlock()
	return ok && now.Before(until)
}

// add has requests for k pass until then. With too many keys, those that are over go, else any.
func (p *passes) add(k Key, now, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == nil {
		p.until = make(map[Key]time.Time)
	}
	if len(p.until) >= mostPasses {
		for other, end := range p.until {
			if !now.Before(end) {
				delete(p.until, other)
			}
		}
		for other := range p.until {
			if len(p.until) < mostPasses {
				break
			}
			delete(p.until, other)
		}
	}
	p.until[k] = until
}
