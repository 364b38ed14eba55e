package limit

import "sync"

const flightShards = 64

// inflight counts the requests of each key that run. A key that has none takes no room.
type inflight struct {
	shards [flightShards]struct {
		mu      sync.Mutex
		running map[uint64]int32
		_       [48]byte // a cache line of its own
	}
}

// enter reports whether one more request of the key may run; leave is then called at its end.
func (f *inflight) enter(hash uint64, most int) bool {
	s := &f.shards[hash%flightShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.running[hash]
	if int(n) >= most {
		return false
	}
	if s.running == nil {
		s.running = make(map[uint64]int32)
	}
	s.running[hash] = n + 1
	return true
}

func (f *inflight) leave(hash uint64) {
	s := &f.shards[hash%flightShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.running[hash]; n > 1 {
		s.running[hash] = n - 1
	} else {
		delete(s.running, hash)
	}
}

// count is how many requests of all keys run.
func (f *inflight) count() (n int) {
	for i := range f.shards {
		s := &f.shards[i]
		s.mu.Lock()
		for _, k := range s.running {
			n += int(k)
		}
		s.mu.Unlock()
	}
	return n
}
