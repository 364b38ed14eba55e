package metrics

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/supervisor"
)

type fakePool struct {
	mu      sync.Mutex
	stats   supervisor.Stats
	workers []supervisor.WorkerInfo
}

func (p *fakePool) App() string                      { return p.Stats().App }
func (p *fakePool) Workers() []supervisor.WorkerInfo { return p.workers }
func (p *fakePool) Stats() supervisor.Stats          { p.mu.Lock(); defer p.mu.Unlock(); return p.stats }
func (p *fakePool) set(s supervisor.Stats)           { p.mu.Lock(); defer p.mu.Unlock(); p.stats = s }

// scrape reads the page with the official parser.
func scrape(t *testing.T, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value finds the one metric with these labels ("app=shop", "state=idle").
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	f := families[name]
	if f == nil {
		t.Fatalf("there is no %s", name)
	}
	for _, m := range f.Metric {
		left := len(labels)
		for _, l := range m.Label {
			for _, want := range labels {
				if l.GetName()+"="+l.GetValue() == want {
					left--
				}
			}
		}
		if left == 0 {
			switch {
			case m.Counter != nil:
				return m.Counter.GetValue()
			case m.Gauge != nil:
				return m.Gauge.GetValue()
			case m.Histogram != nil:
				return float64(m.Histogram.GetSampleCount())
			}
		}
	}
	t.Fatalf("there is no %s %v", name, labels)
	return 0
}

func writer(status int, source, app string) *httpx.Writer {
	w := new(httpx.Writer)
	w.Reset(httptest.NewRecorder())
	w.Info.App, w.Info.Source = app, source
	if app != "" {
		w.Info.Worker = app + "/1"
	}
	w.WriteHeader(status)
	return w
}

// get is a request of HTTP/1.1.
var get = httptest.NewRequest(http.MethodGet, "/", nil)

// Each request counts for one version, that of a uwsgi peer for uwsgi.
func TestVersions(t *testing.T) {
	m := New("1", func() []Pool { return nil }, func() []certs.Info { return nil })
	for _, v := range [][2]int{{1, 0}, {1, 1}, {1, 1}, {2, 0}, {3, 0}, {0, 0}} {
		m.Observe(writer(200, "app", "shop"), &http.Request{ProtoMajor: v[0], ProtoMinor: v[1]}, 0)
	}
	relayed := writer(200, "app", "shop")
	relayed.Info.Relayed = true
	m.Observe(relayed, get, 0)
	f := scrape(t, m)
	for version, want := range map[string]float64{"HTTP/1.0": 1, "HTTP/1.1": 2, "HTTP/2.0": 1, "HTTP/3.0": 1, "uwsgi": 1, "other": 1} {
		if got := value(t, f, "standpipe_requests_by_version_total", "version="+version); got != want {
			t.Errorf("%s: %v, want %v", version, got, want)
		}
		if got := m.Versions()[version]; got != int64(want) {
			t.Errorf("%s: %d in the status, want %v", version, got, want)
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	m := New("1", func() []Pool { return nil }, func() []certs.Info { return nil })
	ok := writer(200, "app", "shop")
	_, _ = io.WriteString(ok, "hello")
	ok.Info.Wait, ok.Info.Run, ok.Info.Receive, ok.Info.Received = 2*time.Second, time.Second, time.Second, 70
	ok.Info.Retries, ok.Info.Recalls = 1, 2
	m.Observe(ok, get, 5*time.Second)
	m.Observe(writer(503, "server", "shop"), get, 0)
	m.Observe(writer(404, "something new", ""), get, 0) // of no app
	gone := new(httpx.Writer)
	gone.Reset(httptest.NewRecorder())
	gone.Info.App, gone.Info.Source, gone.Info.Status = "shop", "app", 499
	m.Observe(gone, get, time.Second)

	f := scrape(t, m)
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{1, "standpipe_requests_total", []string{"app=shop", "class=2xx", "source=app"}},
		{1, "standpipe_requests_total", []string{"app=shop", "class=5xx", "source=server"}},
		{1, "standpipe_requests_total", []string{"app=shop", "class=4xx", "source=app"}},
		{1, "standpipe_requests_total", []string{"app=", "class=4xx", "source=other"}},
		{5, "standpipe_response_bytes_total", []string{"app=shop"}},
		{70, "standpipe_request_bytes_total", []string{"app=shop"}},
		{1, "standpipe_retries_total", []string{"app=shop"}},
		{2, "standpipe_recalls_total", []string{"app=shop"}},
		{3, "standpipe_request_seconds", []string{"app=shop", "phase=waiting"}},
		{2, "standpipe_request_seconds", []string{"app=shop", "phase=app"}}, // who never got a worker is not in it
		{1, "standpipe_request_seconds", []string{"app=shop", "phase=receiving"}},
	} {
		if got := value(t, f, c.name, c.labels...); got != c.want {
			t.Errorf("%s %v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	for _, one := range f["standpipe_request_seconds"].Metric {
		for _, l := range one.Label {
			if l.GetValue() == "sending" && one.Histogram.GetSampleSum() != 1 { // 5 - 2 - 1 - 1
				t.Errorf("sending took %v", one.Histogram.GetSampleSum())
			}
		}
	}
}

// Each known status is a label of its own; all others are one, so that an app cannot make many.
func TestCodesAreBounded(t *testing.T) {
	if len(codes) > codesMost || len(codes) < 50 {
		t.Fatalf("%d codes", len(codes))
	}
	m := New("1", func() []Pool { return nil }, func() []certs.Info { return nil })
	a := m.app("shop")
	for status := -1; status < 1200; status++ {
		a.codes.count(m, "shop", status)
	}
	f := scrape(t, m)
	if n := len(f["standpipe_responses_total"].Metric); n != len(codes) {
		t.Errorf("%d series, %d codes", n, len(codes))
	}
	for code, want := range map[string]float64{"200": 1, "418": 1, "499": 1, "other": float64(1201 - (len(codes) - 1))} {
		if got := value(t, f, "standpipe_responses_total", "code="+code); got != want {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
	}
}

// Reloads are counted by their result, with the time of the last one; places are workers times threads, and no more are busy.
func TestReloadsAndPlaces(t *testing.T) {
	sent := shim.InFlight{Sent: time.Now()}
	p := &fakePool{stats: supervisor.Stats{App: "shop", Workers: 3}, workers: []supervisor.WorkerInfo{
		{Who: supervisor.Who{Worker: "shop/1"}, InFlight: []shim.InFlight{sent, sent, sent}}, // one of them is prefetched
		{Who: supervisor.Who{Worker: "shop/2"}, InFlight: []shim.InFlight{sent, {}}},
	}}
	m := New("1", func() []Pool { return []Pool{p} }, func() []certs.Info { return nil })
	AddServer(m, Server{Connections: func() int { return 5 }, Limit: func() int { return 9 }, Places: func(string) int { return 2 },
		Budgets: func() []Budget { return []Budget{{"spool_total", 3, 4}} }})
	r := NewReloads(m)
	for _, e := range []supervisor.Event{supervisor.Reloaded{App: "shop"}, supervisor.Reloaded{App: "shop"}, supervisor.ReloadFailed{BootFailure: supervisor.BootFailure{Who: supervisor.Who{App: "shop"}}}, supervisor.Scaled{}} {
		r.Event(e)
	}
	f := scrape(t, m)
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{6, "standpipe_places", nil}, {3, "standpipe_places_busy", nil}, {5, "standpipe_connections", nil}, {9, "standpipe_connections_limit", nil},
		{3, "standpipe_budget_used_bytes", []string{"budget=spool_total"}}, {4, "standpipe_budget_limit_bytes", nil},
		{2, "standpipe_reloads_total", []string{"result=done"}}, {1, "standpipe_reloads_total", []string{"result=failed"}},
	} {
		if got := value(t, f, c.name, c.labels...); got != c.want {
			t.Errorf("%s %v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	if at := value(t, f, "standpipe_reload_timestamp_seconds", "result=failed"); time.Since(time.UnixMilli(int64(at*1000))) > time.Minute {
		t.Errorf("%v", at)
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	m := New("1", func() []Pool { return nil }, func() []certs.Info { return nil })
	w := writer(200, "app", "shop")
	w.Info.Run = time.Millisecond
	m.Observe(w, get, time.Second)
	if n := testing.AllocsPerRun(100, func() { m.Observe(w, get, time.Second) }); n > 0 {
		t.Errorf("%v allocations per request", n)
	}
}

func TestPools(t *testing.T) {
	p := &fakePool{stats: supervisor.Stats{App: "shop", Generation: 3, Workers: 5, Idle: 1, Busy: 1, Booting: 1, Draining: 1, BackingOff: 1, Ready: 2, Waiting: 7, Limit: 9, Paused: true,
		Counts: supervisor.Counts{Started: 9, QueueFull: 4, Exits: map[supervisor.ExitKind]int64{{Cause: "exit:0", Reason: "reload"}: 2, {Cause: "signal:9", Reason: "none"}: 1, {Cause: "exit:0", Reason: "shutdown"}: 8, {Cause: "exit:0", Reason: "scale_down"}: 16}}},
		// Two of one slot, while it is replaced: one series.
		workers: []supervisor.WorkerInfo{{Who: supervisor.Who{Worker: "shop/1"}, RSS: 5}, {Who: supervisor.Who{Worker: "shop/1"}, RSS: 6}}}
	f := scrape(t, New("1", func() []Pool { return []Pool{p} }, func() []certs.Info { return nil }))
	sum := 0.0
	for _, one := range f["standpipe_workers"].Metric {
		sum += one.Gauge.GetValue()
	}
	if want := value(t, f, "standpipe_workers_configured", "app=shop"); sum != want || want != 5 {
		t.Errorf("the states are %v together, configured are %v", sum, want)
	}
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{3, "standpipe_worker_restarts_total", nil}, {9, "standpipe_worker_starts_total", nil}, {1, "standpipe_worker_exits_total", []string{"cause=signal:9", "reason=none"}},
		{11, "standpipe_worker_resident_bytes", []string{"worker=shop/1"}}, {7, "standpipe_queue_length", nil}, {4, "standpipe_queue_refused_total", []string{"reason=full"}},
		{1, "standpipe_paused", nil}, {3, "standpipe_generation", nil},
	} {
		if got := value(t, f, c.name, append(c.labels, "app=shop")...); got != c.want {
			t.Errorf("%s %v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
}

// What must hold is looked at each second. A breach is told once, when it has lasted.
func TestWatch(t *testing.T) {
	good := supervisor.Stats{App: "shop", Workers: 2, Idle: 2}
	for invariant, bad := range map[string]supervisor.Stats{
		slotsAddUp:    {App: "shop", Workers: 2, Idle: 1},
		dispatchStall: {App: "shop", Workers: 2, Idle: 1, Busy: 1, Waiting: 1, Oldest: 3 * time.Second},
	} {
		t.Run(invariant, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				p := &fakePool{stats: good}
				m := New("1", func() []Pool { return []Pool{p} }, func() []certs.Info { return nil })
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { defer close(done); m.Watch(ctx, hclog.New(&hclog.LoggerOptions{Output: &log})) }()
				step := func(s supervisor.Stats, gauge float64, told int) {
					t.Helper()
					p.set(s)
					time.Sleep(watchTick)
					synctest.Wait()
					if got := value(t, scrape(t, m), "standpipe_invariant_violated", "app=shop", "invariant="+invariant); got != gauge || strings.Count(log.String(), invariant) != told {
						t.Errorf("the gauge is %v, want %v; told %d times: %s", got, gauge, told, log.String())
					}
				}
				step(good, 0, 0)
				step(bad, 0, 0) // it may be in between
				step(good, 0, 0)
				step(bad, 0, 0)
				step(bad, 1, 1)
				step(bad, 1, 1)
				step(good, 0, 1)
				if bad.Waiting > 0 {
					bad.Paused = true // then it is meant
					step(bad, 0, 1)
					step(bad, 0, 1)
				}
				cancel()
				<-done
			})
		})
	}
}

func BenchmarkObserve(b *testing.B) {
	m := New("1", func() []Pool { return nil }, func() []certs.Info { return nil })
	w := writer(200, "app", "shop")
	w.Info.Run = time.Millisecond
	for b.Loop() {
		m.Observe(w, get, time.Second)
	}
}
