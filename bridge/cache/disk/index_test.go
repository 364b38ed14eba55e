package disk

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// The index against maps: names, URLs, counts, the order, and what becomes of the hand.
func TestIndex(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	x := newIndex(maphash.MakeSeed())
	known := map[name]entry{}
	some := func() entry {
		var e entry
		binary.LittleEndian.PutUint32(e.name.key[:], r.Uint32N(3000))
		e.name.vary[0] = byte(r.IntN(3))
		e.url = uint64(r.IntN(500))
		e.size = r.Uint32N(100)
		if r.IntN(4) > 0 {
			e.flags = flagRead
		}
		return e
	}
	for step := range 60_000 {
		e := some()
		id := x.find(e.name)
		if _, ok := known[e.name]; ok != (id != 0) {
			t.Fatalf("step %d: found %v, known %v", step, id != 0, ok)
		}
		grow := step/10_000%2 == 0
		switch {
		case id == 0 && (grow || r.IntN(3) == 0):
			x.add(e)
			known[e.name] = e
		case id != 0 && r.IntN(3) == 0:
			e.flags = flagRead
			x.fill(id, e)
			known[e.name] = e
		case id != 0 && !grow:
			x.remove(id)
			delete(known, e.name)
		case r.IntN(50) == 0:
			if v := x.victim(time.Now()); v != 0 {
				delete(known, x.of(v).name)
				x.remove(v)
			}
		}
	}
	var units int64
	byURL := map[uint64]int{}
	for n, e := range known {
		units += int64(e.size)
		byURL[e.url]++
		if id := x.find(n); id == 0 || x.of(id).url != e.url || x.of(id).size != e.size {
			t.Fatalf("%v is not what it was", n)
		}
	}
	if x.count != len(known) || x.units != units || x.count < 100 {
		t.Errorf("%d entries, %d units; %d and %d are right", x.count, x.units, len(known), units)
	}
	for url, want := range byURL {
		n := 0
		for id := *x.urlBucket(url); id != 0; id = x.of(id).nextURL {
			if x.of(id).url == url {
				n++
			}
		}
		if n != want {
			t.Errorf("URL %d: %d entries, not %d", url, n, want)
		}
	}
	n, before := 0, uint32(0)
	for id := x.oldest; id != 0; before, id = id, x.of(id).newer {
		if n++; x.of(id).older != before {
			t.Fatal("the order is broken")
		}
	}
	if n != x.count || before != x.newest {
		t.Errorf("%d of %d entries in the order", n, x.count)
	}
	for x.count > 0 {
		x.remove(x.victim(time.Now()))
	}
	if x.victim(time.Now()) != 0 || x.units != 0 || x.oldest != 0 || x.newest != 0 {
		t.Errorf("%+v is left", x)
	}
}

// Many names that are used once do not push out those that are used again.
func TestSieve(t *testing.T) {
	t.Parallel()
	x := newIndex(maphash.MakeSeed())
	now := time.Now()
	add := func(i int) {
		e := entry{flags: flagRead, keep: uint32(now.Add(time.Hour).Unix()), size: 1}
		binary.LittleEndian.PutUint64(e.name.key[:], uint64(i))
		x.add(e)
	}
	use := func(i int) bool {
		var n name
		binary.LittleEndian.PutUint64(n.key[:], uint64(i))
		id := x.find(n)
		if id != 0 {
			x.of(id).flags |= flagUsed
		}
		return id != 0
	}
	for i := range 100 {
		add(i)
		use(i)
	}
	for i := range 100_000 {
		add(1000 + i)
		if i%50 == 0 {
			for j := range 100 {
				if !use(j) {
					t.Fatalf("the hot entry %d is gone after %d others", j, i)
				}
			}
		}
		for x.count > 1000 {
			x.remove(x.victim(now))
		}
	}
	// One that has expired goes, used or not.
	id := x.hand
	if id == 0 {
		id = x.oldest
	}
	x.of(id).flags, x.of(id).keep = flagRead|flagUsed, uint32(now.Unix())-1
	if x.victim(now) != id {
		t.Error("the expired entry stays")
	}
}

// BenchmarkIndex says what an entry takes of memory: with a URL of 55 bytes and one group.
func BenchmarkIndex(b *testing.B) {
	const entries = 100_000
	g := New(Options{Size: 1 << 40, Files: entries})
	var before, after runtime.MemStats
	var x *index
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		x = newIndex(g.known.seed)
		for i := range entries {
			a := answerOf(i, 1, 0)
			a.URL = fmt.Sprintf("https://shop.example/category/articles/%012d?a=b", i)
			a.Groups = []string{"articles"}
			e := g.known.describe(nameOf(a.Key, nil), a, 10_000)
			x.add(e)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/entries, "B/entry")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/entries, "ns/entry")
	runtime.KeepAlive(x)
}
