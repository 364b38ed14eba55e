package limit

import (
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// State is what a limit remembers. It outlives the stages that use it: a reload that leaves the key
// of a limit as it is takes the State on.
type State struct {
	secret  secret
	base    time.Time // times of the table are nanoseconds since then
	table   *table
	flights inflight
	waiting atomic.Int64
	told    httpx.LogLimiter // of limit_exceeded, by hash of the key
	untold  atomic.Int64     // refused requests since the last record
}

// NewState makes a State that remembers keys keys.
func NewState(keys int) *State {
	return &State{secret: newSecret(), base: time.Now(), table: newTable(keys), told: httpx.LogLimiter{Every: time.Minute}}
}

func (s *State) now() int64 { return int64(time.Since(s.base)) }

// Stats are the numbers of a limit.
type Stats struct {
	// Allowed, Delayed and Refused are how many requests passed at once, later, and not. Evicted is
	// how many keys were forgotten that still counted, because there were too many.
	Allowed, Delayed, Refused, Evicted int64
	// Keys is how many keys count now; Running and Waiting are requests.
	Keys, Running, Waiting int
}

// Stats looks at all keys: it is for scrapes, not for requests.
func (s *State) Stats() Stats {
	keys, n := s.table.read(s.now())
	return Stats{n.allowed, n.delayed, n.refused, n.evicted, keys, s.flights.count(), int(s.waiting.Load())}
}

// take asks for one request.
func (s *State) take(hash uint64, r Rate) (v Verdict) {
	now := s.now()
	h := s.table.of(hash)
	h.mu.Lock()
	at := h.find(hash, now)
	*at, v = r.take(*at, now)
	h.add(v)
	h.mu.Unlock()
	return v
}

// giveBack takes one request back: its client did not wait for it. Those that wait behind it keep
// their times; the next one that comes gets the time that is free.
func (s *State) giveBack(hash uint64, r Rate) {
	now := s.now()
	h := s.table.of(hash)
	h.mu.Lock()
	defer h.mu.Unlock()
	if at := h.find(hash, now); *at > now {
		*at -= int64(r.Interval())
	}
}

// count counts a verdict that was made elsewhere.
func (s *State) count(hash uint64, v Verdict) {
	h := s.table.of(hash)
	h.mu.Lock()
	h.add(v)
	h.mu.Unlock()
}

// overrule counts a request that was allowed as refused.
func (s *State) overrule(hash uint64, v Verdict) {
	h := s.table.of(hash)
	h.mu.Lock()
	if v.Wait > 0 {
		h.delayed--
	} else {
		h.allowed--
	}
	h.refused++
	h.mu.Unlock()
}

func (c *counts) add(v Verdict) {
	switch {
	case !v.Allowed:
		c.refused++
	case v.Wait > 0:
		c.delayed++
	default:
		c.allowed++
	}
}
