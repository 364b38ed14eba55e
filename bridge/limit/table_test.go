package limit

import (
	"runtime"
	"testing"
	"time"
)

var second = Rate{Count: 1, Per: time.Second, Burst: 4}

// spread makes hashes of numbers, as the hash of a key would be.
func spread(i uint64) uint64 {
	i = (i + 1) * 0x9E3779B97F4A7C15
	i = (i ^ i>>32) * 0xD6E8FEB86659FD93
	return i ^ i>>32
}

// A million keys take less than 200 MB, and none is forgotten.
func TestMemory(t *testing.T) { // not parallel: it measures the heap
	const keys = 1_000_000
	heap := func() int64 {
		var m runtime.MemStats
		for range 3 { // pools are emptied in two steps
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	s := NewState(keys)
	small := heap() - before
	for i := range uint64(keys) {
		s.take(spread(i), Rate{Count: 1, Per: time.Hour, Burst: 1})
	}
	used := heap() - before
	if st := s.Stats(); st.Keys < keys-200 || st.Evicted > 200 || st.Allowed != keys {
		t.Errorf("%+v", st)
	}
	if used > 200<<20 || small > 1<<20 {
		t.Errorf("a million keys take %d MiB, none takes %d KiB", used>>20, small>>10)
	}
	t.Logf("a million keys take %d MiB, none takes %d KiB", used>>20, small>>10)
	runtime.KeepAlive(s)
}

// Keys that come once do not make room for a key that is at its limit: it goes last.
func TestFlood(t *testing.T) {
	t.Parallel()
	s := NewState(1000)
	const limited = 42
	rate := Rate{Count: 1, Per: time.Hour, Burst: 4} // so slow that no machine takes so long
	for range 5 {
		s.take(limited, rate)
	}
	for i := range uint64(100_000) {
		s.take(spread(i), rate)
	}
	if v := s.take(limited, rate); v.Allowed {
		t.Errorf("100,000 other keys have reset it: %+v", v)
	}
	if st := s.Stats(); st.Evicted < 90_000 || st.Keys > 5000 {
		t.Errorf("%+v", st)
	}
}

// A table grows with its keys and shrinks when they are over.
func TestShrinks(t *testing.T) {
	t.Parallel()
	tb := newTable(100_000)
	slots := func() (n int) {
		for i := range tb.shards {
			n += len(tb.shards[i].slots)
		}
		return n
	}
	least := slots()
	put := func(hash uint64, now, until int64) {
		s := tb.of(hash)
		s.mu.Lock()
		defer s.mu.Unlock()
		*s.find(hash, now) = until
	}
	for i := range uint64(100_000) {
		put(spread(i), 1, 1000)
	}
	if keys, n := tb.read(1); keys < 99_950 || n.evicted > 50 || slots() < 100_000 {
		t.Errorf("%d keys, %+v, %d slots", keys, n, slots())
	}
	for range 10 {
		if keys, _ := tb.read(1000); keys != 0 {
			t.Errorf("%d keys are left", keys)
		}
	}
	if slots() != least {
		t.Errorf("%d slots are left of %d", slots(), least)
	}
	put(7, 2000, 3000)
	if keys, _ := tb.read(2000); keys != 1 {
		t.Errorf("%d keys", keys)
	}
}

func TestInflight(t *testing.T) {
	t.Parallel()
	var f inflight
	for hash := range uint64(200) {
		for i, want := range []bool{true, true, false} {
			if f.enter(hash, 2) != want {
				t.Fatal(hash, i)
			}
		}
	}
	if n := f.count(); n != 400 {
		t.Error(n)
	}
	for hash := range uint64(200) {
		f.leave(hash)
		if !f.enter(hash, 2) {
			t.Fatal(hash)
		}
		f.leave(hash)
		f.leave(hash)
	}
	if n := f.count(); n != 0 {
		t.Error(n)
	}
	for i := range f.shards {
		if n := len(f.shards[i].running); n != 0 {
			t.Errorf("%d keys without requests take room", n)
		}
	}
}
