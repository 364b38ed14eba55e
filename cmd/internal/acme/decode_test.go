package acme

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// What the storage returns is bytes of another process.
func FuzzStorage(f *testing.F) {
	f.Add([]byte(`{"name":"a.test","error":"x","at":"2026-01-02T03:04:05Z","next":"2026-01-02T03:04:05Z","failures":2}`))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if name, st, ok := decodeState(b); ok && (name == "" || st.Failures < 0 || len(st.Error) > maxError) {
			t.Errorf("%q %+v", name, st)
		}
		_, _ = describe(b)
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := Demand{Rate: 2, Per: time.Minute}
		for i, want := range []bool{true, true, false} {
			if d.spend() != want {
				t.Error(i)
			}
			time.Sleep(10 * time.Second)
		}
		time.Sleep(30 * time.Second) // the first one is a minute old
		if !d.spend() || d.spend() {
			t.Error("one more")
		}
		d = Demand{}
		for range 1000 {
			if !d.spend() {
				t.Fatal("no limit")
			}
		}
	})
}

// Names that are denied are remembered for a time, and their number is bounded.
func TestDenials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d denials
		at := func(after time.Duration) time.Time { return time.Now().Add(after) }
		d.put("a", ErrNotAllowed, at(time.Minute))
		if !errors.Is(d.get("a", time.Now()), ErrNotAllowed) || d.get("b", time.Now()) != nil {
			t.Error("the first name")
		}
		time.Sleep(61 * time.Second)
		if d.get("a", time.Now()) != nil || len(d.list) != 0 {
			t.Error("it is denied for more than a minute")
		}
		for i := range maxDenials + 100 {
			d.put(fmt.Sprint(i), ErrNotAllowed, at(time.Minute))
		}
		if len(d.list) != maxDenials || d.get(fmt.Sprint(maxDenials+99), time.Now()) == nil {
			t.Error(len(d.list))
		}
	})
}

func TestBackoff(t *testing.T) {
	last := time.Duration(0)
	for n := range 100 {
		if d := backoff(n); d < last || d < time.Minute || d > 6*time.Hour {
			t.Errorf("%d: %v", n, d)
		} else {
			last = d
		}
	}
}

// certmagic's records have the log's names of fields, and nothing of them is lost.
func TestZapLog(t *testing.T) {
	r, log := newRecords(t)
	z := zap.New(newZapCore(log)).Named("obtain").With(zap.String("identifier", "a.test"))
	z.Error("no luck", zap.Error(errors.New("reason")), zap.Int("attempt", 3), zap.Strings("identifiers", []string{"b.test"}), zap.Duration("elapsed", time.Second))
	z.Info("step")
	z.Debug("more than is written")
	list := r.events("acme")
	if len(list) != 2 || list[1]["@level"] != "debug" {
		t.Fatal(list)
	}
	delete(list[0], "@timestamp")
	want := `{"@level":"error","@message":"acme","detail":"attempt=3 identifiers=b.test elapsed=1s","error":"reason","message":"obtain: no luck","name":"a.test"}`
	if b, err := json.Marshal(list[0]); err != nil || string(b) != want {
		t.Errorf("%s %v", b, err)
	}
}
