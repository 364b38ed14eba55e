package cachestore

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/rules"
)

// What one machine stores, another one finds, with all variants; it expires.
func TestShared(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b := s.newMachine(), s.newMachine()
	page := answer("http://h/p", "page", "g1", "g2")
	page.Vary = []rules.Selector{{Name: "Accept-Language", Value: "de"}}
	if got := b.has(page); got != "" {
		t.Error(got)
	}
	page.Began = time.Now()
	a.save(page)
	list, err := b.Load(t.Context(), page.Key)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	got := list[0]
	if got.ID != page.ID || got.URL != page.URL || got.App != "shop" || got.Status != 200 || len(got.Vary) != 1 || got.Vary[0] != page.Vary[0] ||
		len(got.Groups) != 2 || len(got.Fields) != 1 || !got.Terms.At.Equal(page.Terms.At) || got.Terms.Lifetime != time.Hour || !got.Began.IsZero() {
		t.Errorf("%+v", got)
	}
	other := answer("http://h/p", "english")
	b.save(other)
	again := answer("http://h/p", "again", "g1")
	again.Vary = page.Vary
	b.save(again)
	if got := a.has(page); got != "english,again" && got != "again,english" {
		t.Error(got)
	}
	ms, _ := redis.Int64(s.do("PTTL", a.peer.names.key(answers, page.Key)), nil)
	if left := time.Duration(ms) * time.Millisecond; left < 24*time.Hour || left > 25*time.Hour {
		t.Error(left)
	}
	if err := b.Remove(t.Context(), page.Key); err != nil {
		t.Error(err)
	}
	if got := a.has(page); got != "" {
		t.Error(got)
	}
	if st := a.Stats(); st.Away || st.Saved != 1 || st.Found != 1 || st.Damaged != 0 {
		t.Errorf("%+v", st)
	}
	if a.log.String() != "" {
		t.Error(a.log.String())
	}
}

// A key has a bounded number of variants, of which the oldest go, and a value has a bounded size; what is too large removes the one before.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.newMachine()
	page := answer("http://h/p", "")
	for i := range mostVariants + 8 {
		m.purge(cache.Purge{URL: "http://h/other"}) // ids grow
		v := answer("http://h/p", fmt.Sprint("v", i))
		v.Vary = []rules.Selector{{Name: "X", Value: fmt.Sprint(i)}}
		m.save(v)
	}
	got := strings.Split(m.has(page), ",")
	if len(got) != mostVariants || strings.Contains(m.has(page), "v7,") || !strings.Contains(m.has(page), fmt.Sprint("v", mostVariants+7)) {
		t.Errorf("%d: %s", len(got), got)
	}
	if err := m.Remove(t.Context(), page.Key); err != nil {
		t.Fatal(err)
	}
	m.save(answer("http://h/p", "small"))
	m.save(answer("http://h/p", strings.Repeat("x", mostValue)))
	if got := m.has(page); got != "" || m.Stats().Large != 1 {
		t.Errorf("%d bytes, %+v", len(got), m.Stats())
	}
	for i := range 8 { // together they are too many for one answer of the server
		v := answer("http://h/p", strings.Repeat("x", mostValue-4096))
		v.Vary = []rules.Selector{{Name: "X", Value: fmt.Sprint(i)}}
		m.save(v)
	}
	if got := m.has(page); len(got) > mostAnswer || len(got) < mostValue {
		t.Errorf("%d bytes", len(got))
	}
	many := answer("http://h/q", "many")
	for i := range mostGroups + 1 {
		many.Groups = append(many.Groups, fmt.Sprint("g", i))
	}
	m.save(many)
	if got := m.has(many); got != "" {
		t.Error(got)
	}
}

// Damaged values count as none, are removed, and are counted.
func TestDamaged(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.newMachine()
	page := answer("http://h/p", "page")
	for name, damage := range map[string]func(key, f string, v []byte){
		"a byte of the body": func(key, f string, v []byte) { v[len(v)-1]++; s.do("HSET", key, "v"+f, v) },
		"a byte of the head": func(key, f string, v []byte) { v[30]++; s.do("HSET", key, "v"+f, v) },
		"a length":           func(key, f string, v []byte) { v[0] = 0xff; s.do("HSET", key, "v"+f, v) },
		"cut":                func(key, f string, v []byte) { s.do("HSET", key, "v"+f, v[:5]) },
		"empty":              func(key, f string, v []byte) { s.do("HSET", key, "v"+f, "") },
		"no value":           func(key, f string, v []byte) { s.do("HDEL", key, "v"+f) },
		"too large":          func(key, f string, v []byte) { s.do("HSET", key, "v"+f, bytes.Repeat([]byte("x"), mostValue+1)) },
		"a large meta":       func(key, f string, v []byte) { s.do("HSET", key, "m"+f, bytes.Repeat([]byte("1"), 9000)) },
		"another type":       func(key, f string, v []byte) { s.do("SET", key, "text") },
		"another variant": func(key, f string, v []byte) {
			s.do("HSET", key, "vabc", v, "mabc", s.do("HGET", key, "m"+f))
			s.do("HDEL", key, "m"+f)
		},
		"the value of other": func(key, f string, v []byte) {
			s.do("HSET", key, "v"+f, s.do("HGET", m.peer.names.key(answers, answer("http://h/q", "").Key), "v"+f))
		},
		"thousands of variants": func(key, f string, v []byte) {
			for i := range 200 {
				s.do("HSET", key, fmt.Sprint("m", i), "x")
			}
		},
	} {
		m.save(page, answer("http://h/q", "other"))
		if got := m.has(page); got != "page" {
			t.Fatalf("%s: %q", name, got)
		}
		before := m.Stats().Damaged
		key, f := m.peer.names.key(answers, page.Key), variant(page)
		v, _ := redis.Bytes(s.do("HGET", key, "v"+f), nil)
		damage(key, f, v)
		if got := m.has(page); got != "" {
			t.Errorf("%s: %q", name, got)
		}
		if n := m.Stats().Damaged - before; n != 1 {
			t.Errorf("%s: counted %d times", name, n)
		}
		m.has(page)
		if n := m.Stats().Damaged - before; n != 1 {
			t.Errorf("%s: it is not removed", name)
		}
		if st := m.Stats(); st.Away {
			t.Fatalf("%s: away: %s", name, m.log.String())
		}
	}
}

func FuzzValue(f *testing.F) {
	a := answer("http://h/p", "page", "g")
	a.Vary = []rules.Selector{{Name: "X", Value: "y"}}
	v, _ := encode(a, mostValue)
	m, _ := meta(a, 1764453600000000)
	f.Add(v, m, variant(a), []byte("1764453600000001"), []byte(`{"By":"x","URL":"/p"}`))
	f.Fuzz(func(t *testing.T, value []byte, m, name string, soft, payload []byte) {
		e := stored{name, m, 0, value}
		if got, began, err := e.read(a.Key); err == nil {
			if got.Key != a.Key || began < 0 || variant(got) != name {
				t.Errorf("%+v", got)
			}
		}
		if p, _, ok := parseOrder(payload); ok && p.Check() != nil {
			t.Errorf("%+v", p)
		}
		if i, rest, ok := parseID(soft); ok && i.String()+string(rest) != string(soft) {
			t.Errorf("%q: %v", soft, i)
		}
		reply := []any{soft, soft, []any{payload}, int64(1), []any{[]byte(name), []byte(m), soft, value}, value}
		_, _ = parseLoad(reply[:5])
		if _, err := parseLoad(reply); err == nil {
			t.Error("a value that is no list")
		}
		_, _, _, _, _ = parseSince([]any{soft, int64(0), soft, []any{value, payload}})
		n := names{"{x}", 0}
		if kind, k, ok := n.parse(soft); ok && n.key(kind, k) != strings.ToLower(string(soft)) {
			t.Errorf("%q", soft)
		}
		var w wides
		w.learn(1, [][]byte{soft, payload, value})
	})
}
