package top

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// noon is when everything in the tests happens.
var noon = time.Date(2026, 11, 30, 12, 30, 41, 0, time.UTC)

func quantiles(p50, p95, p99, most float64) monitor.Quantiles {
	return monitor.Quantiles{P50: p50, P95: p95, P99: p99, Max: most}
}

// busyServer is a server with something of everything.
func busyServer() Arrived {
	st := &admin.Status{
		Version: "0.2.0", Pid: 4100, Started: noon.Add(-131 * time.Minute), Addresses: []string{"https://shop.example.org", "http://127.0.0.1:8000"},
		Apps: []admin.App{
			{Name: "shop", Generation: 7, Release: "/srv/shop/releases/41", Workers: 8, Idle: 1, Busy: 6, Booting: 1, Ready: 7, Waiting: 3, Limit: 288, Oldest: 0.41, Served: 18231, Restarts: 3},
			{Name: "admin", Generation: 2, Workers: 2, Idle: 2, Ready: 2, Limit: 72, Served: 812, Paused: true},
			{Name: "商店", Generation: 1, Workers: 3, BackingOff: 3, Limit: 72, Failure: &admin.Failure{App: "商店", Sentence: "shop/models.py:41: SyntaxError: '(' was never closed", Traceback: "Traceback (most recent call last):\n  File \"shop/models.py\", line 41\nSyntaxError: '(' was never closed"}},
		},
		Upstreams: []admin.Upstream{
			{Route: "/api", Address: "http://10.0.0.7:9000", State: "available", Weight: 1, InFlight: 2, Latency: 0.012, Requests: 5120, Failures: 0, Check: &admin.Check{At: noon.Add(-3 * time.Second), Took: 0.002}},
			{Route: "/api", Address: "http://10.0.0.8:9000", State: "ejected", Reason: "5 failures in a row: connect: connection refused", Left: 27, Weight: 1, Latency: 0.3, Requests: 4090, Failures: 12, Retries: 9, Ejections: 2, Check: &admin.Check{At: noon.Add(-2 * time.Second), Error: "connection refused"}},
		},
		Cache:      []admin.Cache{{App: "shop", Hits: 9100, Misses: 2100, Stale: 41, Revalidated: 17, Collapsed: 300, Passed: 1210, Stored: 2100, Entries: 830, Bytes: 41 << 20, Evicted: 4}},
		CacheFiles: &admin.CacheFiles{State: "ready", Files: 12000, Bytes: 1 << 30, Limit: 4 << 30},
	}
	targets := []string{"/export?from=2026-01-01", "/products/42", "/cart", "/search?q=ééé日本語", "/checkout", "/\x1b]0;owned\x07\x1b[31mred"}
	for i := range 8 {
		w := admin.Worker{Name: fmt.Sprintf("shop/%d", i+1), Pid: 4120 + i, Generation: 7, State: "serving", Up: 7860 - float64(i), Served: 9120 - int64(i)*17, RSS: int64(84+i*3) << 20}
		switch {
		case i < 6:
			w.Requests = []admin.Request{{ID: fmt.Sprintf("01M8KQ98VQM3R4DZ906BE5VA%02d", i), Method: "GET", Target: targets[i], Seconds: []float64{27.4, 0.3, 0.02, 1.4, 0.05, 0.004}[i]}}
		case i == 7:
			w.State, w.Up, w.Served, w.RSS = "booting", 1.2, 0, 31<<20
		}
		st.Apps[0].Processes = append(st.Apps[0].Processes, w)
	}
	for i := range 2 {
		st.Apps[1].Processes = append(st.Apps[1].Processes, admin.Worker{Name: fmt.Sprintf("admin/%d", i+1), Pid: 4150 + i, Generation: 2, State: "serving", Up: 600, Served: 406, RSS: 60 << 20})
	}
	f := &monitor.Figures{
		At: noon, Span: 10, Threshold: 1,
		Apps: []monitor.AppFigures{
			{App: "shop", Requests: 183.2, Failed: 0.4, Refused: 3, Sent: 1.2e6, Cached: 57, Total: 18231,
				Whole: quantiles(0.047, 0.149, 1.31, 27.4), Receiving: quantiles(0.00004, 0.0003, 0.001, 0.2), Waiting: quantiles(0.0001, 0.021, 0.04, 0.41), Running: quantiles(0.046, 0.118, 1.29, 27.3), Sending: quantiles(0.0002, 0.009, 0.02, 0.9)},
			{App: "admin", Requests: 0.3, Total: 812, Whole: quantiles(0.012, 0.020, 0.020, 0.031), Running: quantiles(0.011, 0.019, 0.019, 0.03)},
			{App: "static", Requests: 61, Total: 71231, Whole: quantiles(0.0004, 0.001, 0.003, 0.01), Sending: quantiles(0.0003, 0.001, 0.003, 0.01)},
		},
		Slow: []monitor.SlowRequest{
			{ID: "01M8KQ98VQM3R4DZ906BE5VA00", App: "shop", Worker: "shop/1", Method: "GET", Target: "/export?from=2026-01-01", Started: noon.Add(-27 * time.Second), Runs: true, Seconds: 27.4, Waiting: 0.1, Running: 27.3, Line: "shop/reports.py:88 in build: rows = cur.fetchall()"},
			{ID: "01M8KQ98VQM3R4DZ906BE5VA03", App: "shop", Worker: "shop/4", Method: "GET", Target: "/search?q=日本", Started: noon.Add(-2 * time.Second), Runs: true, Seconds: 1.4, Running: 1.4},
			{ID: "01M8KQ98VQM3R4DZ906BE5VB00", App: "shop", Worker: "shop/2", Method: "POST", Target: "/checkout", Started: noon.Add(-90 * time.Second), Status: 502, Seconds: 3.2, Waiting: 2.9, Running: 0.2, Sending: 0.1},
		},
		Marks: []monitor.Mark{
			{At: noon.Add(-40 * time.Minute), Kind: "reloaded", App: "shop", Text: "generation 7"},
			{At: noon.Add(-12 * time.Minute), Kind: "worker_exit", App: "shop", Worker: "shop/8", Text: "signal 9 (SIGKILL) from outside", Bad: true},
			{At: noon.Add(-30 * time.Second), Kind: "boot_failed", App: "商店", Text: "shop/models.py:41: SyntaxError", Bad: true},
		},
	}
	for i := range 8 {
		f.Workers = append(f.Workers, monitor.WorkerFigures{Worker: fmt.Sprintf("shop/%d", i+1), Pid: 4120 + i, CPU: []float64{0.02, 0.3, 0.11, 0.97, 0, 0.05, 0, 0.6}[i]})
	}
	return Arrived{At: noon, Top: &admin.Top{Status: *st, Figures: *f}}
}

// lastHour is a history of which the newest minutes vary.
func lastHour() Remembered {
	h := &monitor.History{At: noon.Add(-time.Second), Step: 5}
	for i, app := range []string{"shop", "admin", "static"} {
		a := monitor.AppHistory{App: app}
		for n := range 300 {
			v := float32(90+80*math.Sin(float64(n-270)/17)+15*math.Sin(float64(n)/3)) / float32(1+i*3)
			a.Requests = append(a.Requests, v)
			a.Failed = append(a.Failed, float32(max(0, n%60-57)))
			a.P50, a.P95, a.P99 = append(a.P50, 0.047), append(a.P95, 0.1+v/2000), append(a.P99, 1)
			a.Waiting, a.Queue = append(a.Waiting, v/9000), append(a.Queue, float32(int(v)/60))
			a.Busy, a.Workers = append(a.Busy, v/25), append(a.Workers, 8)
			a.RSS, a.CPU, a.Cached = append(a.RSS, 600<<20), append(a.CPU, v/200), append(a.Cached, v/3)
		}
		h.Apps = append(h.Apps, a)
	}
	return Remembered{h}
}

// model is one that shows the busy server.
func model(w, h int, keys ...screen.Key) *Model {
	m := New("/run/standpipe/shop.sock", "", time.Second)
	m.Update(Resized{w, h})
	m.Update(lastHour())
	m.Update(busyServer())
	press(m, keys...)
	return m
}

// press gives it keys, and returns the actions of the last one.
func press(m *Model, keys ...screen.Key) (actions []Action) {
	for _, k := range keys {
		actions = m.Update(Pressed{k})
	}
	return actions
}

// drawn is a screen that prints as its text.
type drawn struct{ *screen.Canvas }

func (d drawn) String() string {
	var b strings.Builder
	for y := range d.H {
		b.WriteString(d.Row(y) + "\n")
	}
	return b.String()
}

func show(m *Model) drawn { return drawn{View(m)} }
