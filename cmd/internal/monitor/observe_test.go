package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

func TestWhereARequestCounts(t *testing.T) {
	for name, c := range map[string]struct {
		q        request
		where    string
		failed   float64
		refused  float64
		cached   float64
		measured bool // its time is
	}{
		"an app":                              {q: request{app: "shop", worker: "shop/1", source: "app", status: 200, run: 1}, where: "shop", measured: true},
		"an app's error":                      {q: request{app: "shop", worker: "shop/1", source: "app", status: 500}, where: "shop", failed: 1, measured: true},
		"an app's refusal":                    {q: request{app: "shop", worker: "shop/1", source: "app", status: 404}, where: "shop", refused: 1, measured: true},
		"an error in place of an app":         {q: request{app: "shop", source: "server", status: 503, wait: time.Second}, where: "shop", failed: 1, measured: true},
		"an answer that was cut":              {q: request{app: "shop", worker: "shop/1", source: "app", status: 200, aborted: true}, where: "shop", failed: 1, measured: true},
		"a client that left in the answer":    {q: request{app: "shop", worker: "shop/1", source: "app", status: 200, aborted: true, err: fmt.Errorf("write: %w", httpx.ErrClientGone)}, where: "shop", measured: true},
		"a client that left before":           {q: request{app: "shop", source: "app", status: httpx.StatusClientGone}, where: "shop", measured: true},
		"the cache of an app":                 {q: request{app: "shop", source: "cache", status: 200}, where: "shop", cached: 1, measured: true},
		"the cache of a route":                {q: request{source: "cache", status: 200}, where: "routes", cached: 1, measured: true},
		"a file of the server":                {q: request{source: "static", status: 200}, where: "static", measured: true},
		"a file of an app":                    {q: request{app: "shop", source: "static", status: 200}, where: "static", measured: true},
		"an upstream":                         {q: request{source: "upstream", upstream: "a:1", status: 200}, where: "routes", measured: true},
		"an upstream that does not answer":    {q: request{source: "server", upstream: "a:1", status: 502}, where: "routes", failed: 1, measured: true},
		"a refusal of the server":             {q: request{source: "server", status: 404}, where: "server", refused: 1, measured: true},
		"a head that cannot be read":          {q: request{source: "server", status: 400}, where: "server", refused: 1, measured: true},
		"a tunnel":                            {q: request{source: "upstream", upstream: "a:1", status: 101}, where: "routes"},
		"an app that no reload has left here": {q: request{app: "blog", worker: "blog/1", source: "app", status: 200}, where: ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig("shop")
			c.q.took = 2 * time.Second
			r.observe(c.q)
			f := r.Figures("")
			if c.where == "" {
				if len(f.Apps) != 0 {
					t.Errorf("%+v", f.Apps)
				}
				return
			}
			if len(f.Apps) != 1 || f.Apps[0].App != c.where {
				t.Fatalf("counted at %+v, want %s", f.Apps, c.where)
			}
			a := f.Apps[0]
			if a.Requests != 1 || a.Total != 1 || a.Failed != c.failed || a.Refused != c.refused || a.Cached != c.cached || (a.Whole.Max == 2) != c.measured {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestPartsOfTheTime(t *testing.T) {
	r := newRig("shop")
	r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 200, body: "hello", took: 10 * time.Second, receive: time.Second, wait: 2 * time.Second, run: 3 * time.Second})
	r.observe(request{app: "shop", source: "cache", status: 200, took: time.Millisecond}) // no worker, no part
	f := r.figures("shop")
	for what, got := range map[string]float64{"receiving": f.Receiving.Max - 1, "waiting": f.Waiting.Max - 2, "running": f.Running.Max - 3, "sending": f.Sending.Max - 4, "whole": f.Whole.Max - 10} {
		if got != 0 {
			t.Errorf("%s: %+v", what, f)
		}
	}
	if f.Waiting.P50 < 1.8 || f.Sent != 5 {
		t.Errorf("the part of a request without a worker is counted: %+v", f)
	}
}

func BenchmarkObserve(b *testing.B) {
	r := newRig("shop")
	r.Slow(time.Second, false)
	w := request{app: "shop", worker: "shop/1", source: "app", status: 200, wait: 5 * time.Microsecond, run: time.Millisecond, body: "hello"}.writer()
	b.ReportAllocs()
	for b.Loop() {
		r.Observe(w, get, 1200*time.Microsecond)
	}
}

func BenchmarkObserveTogether(b *testing.B) {
	r := newRig("shop")
	r.Slow(time.Second, false)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		w := request{app: "shop", worker: "shop/1", source: "app", status: 200, wait: 5 * time.Microsecond, run: time.Millisecond, body: "hello"}.writer()
		for pb.Next() {
			r.Observe(w, get, 1200*time.Microsecond)
		}
	})
}
