package monitor

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// The process of an upgrade has the hour of the old one; the time between is told as time without requests.
func TestUpgradeKeepsTheHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := newRig("shop", "blog")
		old.Slow(time.Second, false)
		old.run(t)
		time.Sleep(tick / 2)
		for range 20 {
			old.observe(request{app: "shop", source: "app", worker: "shop/1", status: 200, took: 2 * time.Second})
			old.observe(request{source: "static", status: 200})
			time.Sleep(time.Second)
		}
		old.Mark(Mark{Kind: "reloaded", App: "shop"})
		old.Mark(Mark{Kind: "boot_failed", App: "shop", Bad: true})
		old.Mark(Mark{Kind: "boot_failed", App: "shop", Bad: true})
		b, err := old.Encode()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) // the new process boots
		r := newRig("shop", "news")
		if err := r.Restore(b); err != nil {
			t.Fatal(err)
		}
		if h := r.history("shop"); fmt.Sprint(h.Requests) != "[1 1 1 1]" {
			t.Errorf("%+v", h)
		}
		r.run(t)
		for range 5 {
			r.observe(request{app: "shop", source: "app", status: 200})
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if h := r.history("shop"); fmt.Sprint(h.Requests) != "[1 1 1 1 0 0 1]" {
			t.Errorf("%+v", h)
		}
		if h := r.history("static"); fmt.Sprint(h.Requests) != "[1 1 1 1 0 0 0]" {
			t.Errorf("%+v", h)
		}
		if h := r.history("news"); len(h.Requests) != 1 || r.history("blog") != nil {
			t.Errorf("%+v", h)
		}
		f := r.Figures("")
		if len(f.Slow) != 20 || f.Slow[0].Seconds != 2 || f.Slow[0].Started.Before(f.Slow[19].Started) {
			t.Errorf("%+v", f.Slow)
		}
		if len(f.Marks) != 2 || f.Marks[1].Repeated != 1 {
			t.Errorf("%+v", f.Marks)
		}
		if f.Apps[0].Total != 5 {
			t.Errorf("%+v", f.Apps)
		}
	})
}

func TestRestoreRefuses(t *testing.T) {
	r := newRig("shop")
	for _, text := range []string{"x", "[]", `{"apps":7}`} {
		if r.Restore([]byte(text)) == nil {
			t.Errorf("%q is taken over", text)
		}
	}
	rows := make([]byte, rowSize)
	for i, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), -1, 7} {
		binary.LittleEndian.PutUint32(rows[4*i:], math.Float32bits(v))
	}
	keep := func(k kept) {
		t.Helper()
		b, _ := json.Marshal(&k)
		if err := r.Restore(b); err != nil {
			t.Error(err)
		}
	}
	for _, k := range []kept{
		{At: time.Now(), Columns: columns + 1, Apps: []keptApp{{"shop", rows}}}, // of another version
		{At: time.Now().Add(-2 * keepTime), Columns: columns, Apps: []keptApp{{"shop", rows}}},
		{At: time.Now().Add(time.Hour), Columns: columns, Apps: []keptApp{{"shop", rows}}},
	} {
		if keep(k); r.history("shop") != nil {
			t.Errorf("%+v is taken over", k)
		}
	}
	keep(kept{At: time.Now(), Columns: columns, Apps: []keptApp{{"shop", append(rows, 1, 2, 3)}}})
	h := r.history("shop")
	if h == nil || len(h.Requests) != 1 || h.Requests[0] != 0 || h.Failed[0] != 0 || h.P50[0] != 0 || h.P95[0] != 7 {
		t.Errorf("%+v", h)
	}
	if err := r.Restore(nil); err != nil {
		t.Error(err)
	}
}

// Whatever the bytes are, the memory is bounded and JSON can be made of all that is told.
func FuzzRestore(f *testing.F) {
	old := newRig("shop")
	for range 2 * stepTicks {
		old.observe(request{app: "shop", source: "app", status: 200})
		old.tick(time.Now())
	}
	b, err := old.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(b))
	f.Add(`{"columns":12,"at":"2000-01-01T00:00:00Z","apps":[{"name":"shop","rows":"AACAfw=="}],"slow":[{}],"marks":[{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		r := newRig("shop")
		_ = r.Restore([]byte(text))
		r.tick(time.Now())
		if _, err := json.Marshal([]any{r.Figures(""), r.History("")}); err != nil {
			t.Error(err)
		}
		if len(r.slow.list) > maxSlow || len(r.marks.list) > maxMarks || len(*r.byApp.Load()) > maxApps {
			t.Error("too much is kept")
		}
	})
}
