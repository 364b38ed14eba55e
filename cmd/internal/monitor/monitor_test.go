package monitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/supervisor"
)

// The rates and quantiles are those of the last ten seconds, whenever they are asked for.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig("shop", "idle")
		r.run(t)
		steady := func(d time.Duration) {
			for range d / (100 * time.Millisecond) {
				r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 200, took: 10 * time.Millisecond, run: 10 * time.Millisecond, body: "12345"})
				time.Sleep(100 * time.Millisecond)
			}
		}
		near := func(what string, got, want, off float64) {
			t.Helper()
			if math.Abs(got-want) > off {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		steady(3 * time.Second)
		f := r.Figures("")
		near("span after 3 s", f.Span, 3, .01)
		near("requests after 3 s", f.Apps[0].Requests, 10, .5)
		steady(20*time.Second + 300*time.Millisecond)
		for range 25 {
			steady(100 * time.Millisecond)
			f = r.Figures("")
			if f.Span < 9 || f.Span > 10.01 {
				t.Fatalf("span %v", f.Span)
			}
			near("requests", f.Apps[0].Requests, 10, .5)
			near("bytes", f.Apps[0].Sent, 50, 3)
			near("p99", f.Apps[0].Whole.P99, .010, .0013)
			near("max", f.Apps[0].Whole.Max, .010, 1e-9)
		}
		if len(f.Apps) != 1 {
			t.Errorf("apps without a request are told: %+v", f.Apps)
		}
		// One slow request is the maximum for ten seconds, and then no more.
		r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 500, took: 3 * time.Second})
		steady(8500 * time.Millisecond)
		if f := r.figures("shop"); f.Whole.Max != 3 || f.Failed == 0 || f.Whole.P95 > .02 {
			t.Errorf("%+v", f)
		}
		steady(3 * time.Second)
		if f := r.figures("shop"); f.Whole.Max != .010 || f.Failed != 0 {
			t.Errorf("%+v", f)
		}
		time.Sleep(11 * time.Second)
		if f := r.figures("shop"); f.Requests != 0 || f.Whole != (Quantiles{}) || f.Total == 0 {
			t.Errorf("%+v", f)
		}
	})
}

// Figures that are asked for before Run runs cover the time since the start.
func TestFiguresWithoutALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig("shop")
		for range 8 {
			r.observe(request{app: "shop", source: "app", worker: "shop/1", status: 200})
		}
		if f := r.figures("shop"); f.Requests != 8 { // not a million per second
			t.Errorf("%+v", f)
		}
		time.Sleep(4 * time.Second)
		if f := r.figures("shop"); f.Requests != 2 {
			t.Errorf("%+v", f)
		}
	})
}

func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig("shop", "idle")
		time.Sleep(3 * time.Second) // the server is assembled
		r.run(t)
		synctest.Wait()
		if h := r.History(""); len(h.Apps) != 0 || h.Step != 5 {
			t.Errorf("%+v", h)
		}
		r.pool(0).stats = supervisor.Stats{Waiting: 3, Busy: 2, Ready: 4}
		r.pool(0).workers = []supervisor.WorkerInfo{{RSS: 1 << 20}, {RSS: 2 << 20}}
		began := time.Now()
		time.Sleep(tick / 2) // no request is at a tick
		for i := range 30 {  // two a second, and 20 a second in the third step
			n := 2
			if i/5 == 2 {
				n = 20
			}
			for range n {
				r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 200 + 300*(i%2), took: time.Duration(i/5+1) * 100 * time.Millisecond, wait: 50 * time.Millisecond})
			}
			time.Sleep(time.Second)
		}
		r.observe(request{source: "static", status: 200})
		h := r.History("")
		if len(h.Apps) != 2 || !h.At.Equal(began.Add(30*time.Second)) {
			t.Fatalf("%+v", h)
		}
		shop := h.Apps[0]
		if fmt.Sprint(shop.Requests) != "[2 2 20 2 2 2]" {
			t.Errorf("requests %v", shop.Requests)
		}
		if fmt.Sprint(shop.Queue, shop.Busy, shop.Workers, shop.RSS) != "[3 3 3 3 3 3] [2 2 2 2 2 2] [4 4 4 4 4 4] [3.145728e+06 3.145728e+06 3.145728e+06 3.145728e+06 3.145728e+06 3.145728e+06]" {
			t.Errorf("%+v", shop)
		}
		for i := range 6 {
			if want := float32(i+1) / 10; math.Abs(float64(shop.P50[i]-want)) > float64(want)/8 || shop.P99[i] < shop.P50[i] || shop.Waiting[i] < .04 || shop.Waiting[i] > .06 {
				t.Errorf("step %d: p50 %v, p99 %v, waiting %v", i, shop.P50[i], shop.P99[i], shop.Waiting[i])
			}
		}
		if shop.Failed[0] != .8 || len(h.Apps[1].Failed) != 6 || h.Apps[1].App != "idle" {
			t.Errorf("%+v", h)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		h = r.History("")
		if len(h.Apps) != 3 || h.Apps[2].App != "static" { // since its first request
			t.Fatalf("%d apps", len(h.Apps))
		}
		for _, a := range h.Apps {
			for _, list := range [][]float32{a.Requests, a.Failed, a.P50, a.P95, a.P99, a.Waiting, a.Queue, a.Busy, a.Workers, a.RSS, a.CPU, a.Cached} {
				if len(list) != 720 {
					t.Errorf("%s: %d steps", a.App, len(list))
				}
			}
		}
		if slices.Max(h.Apps[0].Requests) != 0 {
			t.Error("requests of two hours ago are told")
		}
		if h := r.History("idle"); len(h.Apps) != 1 || h.Apps[0].App != "idle" {
			t.Errorf("%+v", h)
		}
		for i := range 3 { // the newest is the last one
			r.observe(request{app: "shop", source: "app", status: 200})
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if a := r.history("shop"); a.Requests[719] != .2 || a.Requests[719-i] != .2 || a.Requests[719-i-1] != 0 {
				t.Errorf("%d: %v", i, a.Requests[710:])
			}
		}
	})
}

// An app that a reload has removed is not told any more, and one that it has added is told from then on.
func TestAppsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig("shop", "blog")
		r.run(t)
		r.observe(request{app: "shop", source: "app", status: 200})
		r.observe(request{app: "blog", source: "app", status: 200})
		time.Sleep(6 * time.Second)
		r.setApps("blog", "news")
		r.observe(request{app: "shop", source: "app", status: 200}) // it still ends
		if f := r.Figures(""); len(f.Apps) != 1 || f.Apps[0].App != "blog" {
			t.Errorf("%+v", f.Apps)
		}
		time.Sleep(6 * time.Second)
		r.observe(request{app: "news", source: "app", status: 200})
		if f := r.Figures(""); len(f.Apps) != 2 || f.Apps[1].App != "news" || f.Apps[1].Total != 1 {
			t.Errorf("%+v", f.Apps)
		}
		if a, b := r.history("blog"), r.history("news"); len(a.Requests) != 2 || len(b.Requests) != 1 || r.history("shop") != nil {
			t.Errorf("%+v %+v", a, b)
		}
		if n := len(*r.byApp.Load()); n != 2 {
			t.Errorf("%d apps are kept", n)
		}
	})
}

// Apps beyond the first 64, and names that no app has, take no memory each.
func TestManyApps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var apps []string
		for i := range maxApps + 10 {
			apps = append(apps, fmt.Sprint("app", i))
		}
		r := newRig(apps...)
		r.run(t)
		for range 3 {
			for _, app := range apps {
				r.observe(request{app: app, source: "app", status: 200})
			}
			time.Sleep(tick)
		}
		f := r.Figures("")
		if len(f.Apps) != maxApps+1 || f.Apps[maxApps].App != "others" || f.Apps[maxApps].Total != 30 {
			t.Errorf("%d apps, the last is %+v", len(f.Apps), f.Apps[len(f.Apps)-1])
		}
	})
}

// The processor time of a worker is that of this process here.
func TestCPU(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIP[system]: no other one tells the processor time")
	}
	r := newRig("shop")
	r.pool(0).workers = []supervisor.WorkerInfo{{Who: supervisor.Who{Worker: "shop/1", Pid: os.Getpid()}, Up: time.Second}}
	now := time.Now()
	look := func() float64 {
		for range stepTicks {
			now = now.Add(tick)
			r.tick(now)
		}
		return r.Figures("").Workers[0].CPU
	}
	look()
	for until := time.Now().Add(time.Minute); look() == 0; { // it computes until that shows
		if time.Now().After(until) {
			t.Fatal("no processor time")
		}
	}
	if got := r.history("shop").CPU; got[len(got)-1] == 0 {
		t.Errorf("%v", got)
	}
	r.pool(0).workers = nil
	if len(r.used) != 1 {
		t.Errorf("%v", r.used)
	}
	now = now.Add(time.Minute)
	for range stepTicks {
		r.tick(now)
	}
	if len(r.used) != 0 {
		t.Error("a process that has ended is kept")
	}
}

// All methods may be called at the same time.
func TestTogether(t *testing.T) {
	r := newRig("shop", "blog")
	r.Slow(time.Nanosecond, true)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 300 {
				r.observe(request{app: []string{"shop", "blog", "gone", ""}[(n+i)%4], worker: "w", source: "app", status: 200, took: time.Duration(n) * time.Microsecond, run: 1})
			}
		})
	}
	wg.Go(func() {
		for n := range 100 {
			r.tick(time.Now().Add(time.Duration(n) * tick))
			if n%10 == 0 {
				r.setApps("shop", fmt.Sprint("app", n), "blog")
			}
		}
	})
	wg.Go(func() {
		for range 50 {
			if _, err := json.Marshal(r.Figures("")); err != nil {
				t.Error(err)
			}
			r.History("shop")
			r.Event(supervisor.Scaled{App: "shop", From: 1, To: 2})
			r.Slow(time.Nanosecond, true)
			_, _ = r.Encode()
		}
	})
	wg.Wait()
	if f := r.Figures(""); f.Apps[0].App != "shop" || f.Apps[0].Total != 300 {
		t.Errorf("%+v", f.Apps)
	}
}

// Lists are never null: scripts go through them.
func TestEmptyJSON(t *testing.T) {
	r := newRig("shop")
	b, err := json.Marshal(r.Figures(""))
	if err != nil {
		t.Fatal(err)
	}
	var f map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(b, &f)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"apps", "slow", "marks", "workers"} {
		if string(f[key]) != "[]" {
			t.Errorf("%s: %s", key, f[key])
		}
	}
	if b, _ = json.Marshal(r.History("").Apps); string(b) != "[]" {
		t.Errorf("%s", b)
	}
}

func BenchmarkTick(b *testing.B) {
	r := newRig("shop")
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 200})
		now = now.Add(tick)
		r.tick(now)
	}
}

func BenchmarkFigures(b *testing.B) {
	r := newRig("shop")
	r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 200})
	for b.Loop() {
		r.Figures("")
	}
}
