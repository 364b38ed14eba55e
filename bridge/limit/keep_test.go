package limit

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"
)

// CPython's hash of bytes, with PYTHONHASHSEED=0, is the same function with a key of zeros.
func TestHashIsSipHash(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{"a": 0x407448d2b89b1813, "1234567": 0xa33d651594fdae81, "12345678": 0x3489982430560a87, "123456789": 0xfbc0f0007965fcf, "0123456789abcdef": 0x1d42b30f7e060c24,
		"192.0.2.1 /a/long/path": 0x7723875f26ca02d9} {
		if got := sum(secret{}, text); got != want || sum(secret{}, []byte(text)) != want {
			t.Errorf("%q: %x, want %x", text, got, want)
		}
	}
	if a, b := sum(newSecret(), "a"), sum(newSecret(), "a"); a == b {
		t.Error("two secrets are one")
	}
}

// What another process goes on with: keys that are at their limit are refused for the time that is left.
func TestCountsArePassedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old := NewState(1000)
		r := Rate{Count: 1, Per: time.Minute, Burst: 1}
		for i := range uint64(300) {
			old.take(spread(i), r)
		}
		old.take(spread(7), r)
		b := old.Encode(time.Now())
		time.Sleep(30 * time.Second)
		next := NewState(1000)
		if err := next.Restore(b, time.Now()); err != nil || next.secret != old.secret {
			t.Fatal(err)
		}
		if st := next.Stats(); st.Keys != 300 || st.Allowed != 0 {
			t.Errorf("%+v", st)
		}
		if v := next.take(spread(7), r); v.Allowed || v.Retry != 30*time.Second {
			t.Errorf("a key at its limit: %+v", v)
		}
		if v := next.take(spread(8), r); !v.Allowed {
			t.Errorf("a key with one request left: %+v", v)
		}
		if v := next.take(spread(8), r); v.Allowed {
			t.Errorf("it has none left: %+v", v)
		}
		time.Sleep(2 * time.Minute)
		if err := NewState(1000).Restore(next.Encode(time.Now()), time.Now()); err != nil {
			t.Error(err)
		}
		for _, wrong := range [][]byte{nil, {keptVersion}, append([]byte{9}, b[1:]...), b[:len(b)-1]} {
			s := NewState(1000)
			before := s.secret
			if err := s.Restore(wrong, time.Now()); err == nil || s.secret != before {
				t.Errorf("%d bytes are restored", len(wrong))
			}
		}
	})
}

// Of too many keys those that have sent the most are passed on.
func TestPassedOnIsBounded(t *testing.T) {
	t.Parallel()
	s := NewState(2 * mostKept)
	r := Rate{Count: 1, Per: time.Hour, Burst: 9}
	for i := range uint64(mostKept + 5000) {
		s.take(spread(i), r)
	}
	const most = 77
	s.take(spread(most), r)
	b := s.Encode(time.Now())
	if len(b) != keptHead+mostKept*keptKey {
		t.Errorf("%d bytes", len(b))
	}
	if first := binary.LittleEndian.Uint64(b[keptHead:]); first != spread(most) {
		t.Error("the key that has sent the most is not the first")
	}
}

func FuzzRestore(f *testing.F) {
	s := NewState(16)
	s.take(1, second)
	f.Add(s.Encode(time.Now()))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewState(16)
		_ = s.Restore(b, time.Now())
		for _, k := range s.table.live(s.now()) {
			if k.at-s.now() > int64(keptAhead) || k.hash == 0 {
				t.Errorf("%+v", k)
			}
		}
		s.take(1, second)
		s.Stats()
	})
}
