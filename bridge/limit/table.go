package limit

import "sync"

const (
	shardCount = 128 // a power of two
	ways       = 8   // slots of a bucket: two cache lines
	leastSlots = 2 * ways
)

// slot is one key.
type slot struct {
	hash uint64
	at   int64 // when the key is as if it had never been there; 0: the slot is empty
}

// counts are how requests of a limit ended.
type counts struct{ allowed, delayed, refused, evicted int64 }

// shard has the keys of some of the hashes.
type shard struct {
	mu    sync.Mutex
	slots []slot // whole buckets, a power of two of them
	most  int
	counts
	_ [40]byte // a cache line of its own
}

// table has a number for each key, which is a time: when it is over, the key is forgotten. It holds
// at least keys keys; with more of them the one of the earliest time goes.
type table struct{ shards [shardCount]shard }

func newTable(keys int) *table {
	t := new(table)
	most := leastSlots
	for most*shardCount < 3*keys { // two thirds stay empty, so that hardly a bucket is full
		most *= 2
	}
	for i := range t.shards {
		t.shards[i].most = most
		t.shards[i].slots = make([]slot, leastSlots)
	}
	return t
}

// of is the shard of a hash, which the caller locks.
func (t *table) of(hash uint64) *shard { return &t.shards[hash%shardCount] }

// find returns the number of the key, which is 0 for a new one. The shard is locked.
func (s *shard) find(hash uint64, now int64) *int64 {
	for {
		bucket := s.bucket(hash)
		first := 0
		for i := range bucket {
			if bucket[i].hash == hash {
				return &bucket[i].at
			}
			if bucket[i].at < bucket[first].at {
				first = i
			}
		}
		if bucket[first].at > now {
			if len(s.slots) < s.most {
				s.resize(2*len(s.slots), now)
				continue
			}
			s.evicted++
		}
		bucket[first] = slot{hash: hash}
		return &bucket[first].at
	}
}

func (s *shard) bucket(hash uint64) []slot {
	i := int(hash/shardCount) & (len(s.slots)/ways - 1) * ways
	return s.slots[i : i+ways : i+ways]
}

// resize moves the keys that still count to n slots.
func (s *shard) resize(n int, now int64) {
	old := s.slots
	s.slots = make([]slot, n)
	for _, k := range old {
		if k.at <= now {
			continue
		}
		bucket := s.bucket(k.hash)
		first := 0
		for i := range bucket {
			if bucket[i].at < bucket[first].at {
				first = i
			}
		}
		if bucket[first].at < k.at {
			bucket[first] = k
		}
	}
}

// read returns how many keys still count, and the sums of the counts. It gives back the memory of a
// table that is nearly empty.
func (t *table) read(now int64) (keys int, sum counts) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		live := 0
		for _, k := range s.slots {
			if k.at > now {
				live++
			}
		}
		if len(s.slots) > leastSlots && live*32 < len(s.slots) {
			s.resize(max(leastSlots, len(s.slots)/8), now)
		}
		keys += live
		sum.allowed += s.allowed
		sum.delayed += s.delayed
		sum.refused += s.refused
		sum.evicted += s.evicted
		s.mu.Unlock()
	}
	return keys, sum
}
