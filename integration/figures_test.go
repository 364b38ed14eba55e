package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// top is what GET /v1/top says, as far as tests read it.
type top struct {
	Status  report
	Figures struct {
		Span float64 `json:"span_seconds"`
		Slow float64 `json:"slow_seconds"`
		Apps []struct {
			App                                         string
			Requests, Failed, Refused, Sent, Cached     float64
			Whole, Receiving, Waiting, Running, Sending struct{ P50, P95, P99, Max float64 }
			Total                                       int
		}
		Requests []slowOne `json:"slow"`
		Marks    []mark
		Workers  []struct {
			Worker string
			Pid    int
			CPU    float64
		}
	}
}

type slowOne struct {
	ID, App, Worker, Upstream, Method, Target, Line string
	Started                                         time.Time
	Runs                                            bool
	Status                                          int
	Seconds                                         float64
	Receiving                                       float64 `json:"receiving_seconds"`
	Waiting                                         float64 `json:"waiting_seconds"`
	Running                                         float64 `json:"running_seconds"`
	Sending                                         float64 `json:"sending_seconds"`
}

type mark struct {
	At                      time.Time
	Kind, App, Worker, Text string
	Bad                     bool
	Repeated                int
}

// history is what GET /v1/history says.
type history struct {
	At   time.Time
	Step float64 `json:"step_seconds"`
	Apps []struct {
		App                                                                              string
		Requests, Failed, P50, P95, P99, Waiting, Queue, Busy, Workers, RSS, CPU, Cached []float64
	}
}

// controlClient speaks to the control socket.
func (s *server) controlClient() *http.Client {
	path := s.controlSocket()
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
}

// ask gets JSON of the control socket.
func (s *server) ask(target string, into any) int {
	s.t.Helper()
	resp, err := s.controlClient().Get("http://x" + target)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(b, into) != nil {
		s.t.Fatalf("%s: %v %.500s", target, err, b)
	}
	return resp.StatusCode
}

func (s *server) top() *top {
	s.t.Helper()
	t := new(top)
	if code := s.ask("/v1/top", t); code != 200 {
		s.t.Fatalf("/v1/top: %d", code)
	}
	return t
}

const figuresApp = `
import os, time

def app(environ, start_response):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/wait":
        while not os.path.exists(query):
            time.sleep(0.01)
    status = {"/404": "404 Not Found", "/500": "500 Error"}.get(path, "200 OK")
    start_response(status, [("Content-Type", "text/plain")])
    return [b"12345"]
`

const oneApp = "[[app]]\nname = \"shop\"\nmodule = \"shop:app\"\nworkers = 1\n"

// The numbers of requests and their statuses are right, wherever they are answered.
func TestFigures(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"shop.py": figuresApp, "files/a.txt": "hello", "standpipe.toml": "[[static]]\nurl = \"/files/\"\ndir = \"files\"\n"})
	s := start(t, opts{App: "shop:app", Dir: dir, Args: []string{"-w", "2", "-c", "standpipe.toml"}})
	s.waitServing(2)
	for range 8 {
		s.want(200, "/")
	}
	s.want(404, "/404")
	s.want(404, "/404")
	s.want(500, "/500")
	s.want(200, "/files/a.txt")
	var tops *top
	eventually(t, "all are counted", func() bool { // an access line, and so a number, may come after the answer
		tops = s.top()
		return len(tops.Figures.Apps) == 2 && tops.Figures.Apps[0].Total == 11 && tops.Figures.Apps[1].Total == 1
	})
	f := tops.Figures
	app, files := f.Apps[0], f.Apps[1]
	if app.App != "shop" || files.App != "static" || f.Slow != 1 || len(tops.Status.Apps) != 1 || tops.Status.Pid != s.Pid {
		t.Errorf("%+v", tops)
	}
	if f.Span < 9 { // all of it is within the span
		for what, c := range map[string][2]float64{"requests": {app.Requests, 11}, "failed": {app.Failed, 1}, "refused": {app.Refused, 2}, "sent": {app.Sent, 55}, "files": {files.Requests, 1}} {
			if n := c[0] * max(f.Span, 1); n < c[1]-.01 || n > c[1]+.01 {
				t.Errorf("%s: %v in %v s, want %v", what, n, f.Span, c[1])
			}
		}
	}
	for what, q := range map[string]struct{ P50, P95, P99, Max float64 }{"whole": app.Whole, "waiting": app.Waiting, "running": app.Running, "sending": app.Sending} {
		if q.P50 < 0 || q.P50 > q.P95 || q.P95 > q.P99 || q.P99 > q.Max || q.Max > app.Whole.Max || what != "waiting" && q.Max == 0 && f.Span < 9 {
			t.Errorf("%s: %+v", what, q)
		}
	}
	if app.Receiving.Max != 0 {
		t.Errorf("there was no body: %+v", app.Receiving)
	}
	pids := tops.Status.pids()
	for _, w := range f.Workers {
		if pids[w.Worker] != w.Pid {
			t.Errorf("%+v is not one of %v", w, pids)
		}
	}
	if len(f.Workers) != 2 {
		t.Errorf("%+v", f.Workers)
	}
	eventually(t, "a body is counted", func() bool { // the figures are those of the last ten seconds
		s.post("/", "text/plain", "a body")
		return s.top().Figures.Apps[0].Receiving.Max > 0
	})
	var h history
	eventually(t, "a step of the hour is complete", func() bool {
		h = history{}
		s.ask("/v1/history", &h)
		return len(h.Apps) == 2 && len(h.Apps[0].Requests) > 0
	})
	a := h.Apps[0]
	n := len(a.Requests)
	for what, list := range map[string][]float64{"failed": a.Failed, "p50": a.P50, "p95": a.P95, "p99": a.P99, "waiting": a.Waiting, "queue": a.Queue, "busy": a.Busy, "workers": a.Workers, "rss": a.RSS, "cpu": a.CPU, "cached": a.Cached} {
		if len(list) != n {
			t.Errorf("%s has %d steps, requests have %d", what, len(list), n)
		}
	}
	if h.Step != 5 || a.App != "shop" || a.Workers[n-1] != 2 || a.RSS[n-1] < 1<<20 || h.Apps[1].App != "static" || time.Since(h.At) > time.Minute {
		t.Errorf("%+v", h)
	}
	var p struct{ Error string }
	if code := s.ask("/v1/top?app=blog", &p); code != 404 || p.Error != "no_such_app" {
		t.Errorf("%d %+v", code, p)
	}
}

// The last hour goes on in the process of an upgrade.
func TestFiguresAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	env, _ := runtimeFolder(t)
	dir := project(t, map[string]string{"shop.py": figuresApp})
	s := start(t, opts{App: "shop:app", Dir: dir, Env: env, Args: []string{"-w", "1", "--slow-request", "1ms"}})
	for range 5 {
		s.want(500, "/500")
	}
	kill(t, s.waitServing(1)["shop/1"])
	s.mark("worker_exit")
	failed := func() (sum float64) {
		var h history
		s.ask("/v1/history", &h)
		for _, a := range h.Apps {
			for _, v := range a.Failed {
				sum += v * h.Step
			}
		}
		return sum
	}
	was := 0.0 // requests; a step that is late covers more than its time
	eventually(t, "they are in the hour", func() bool { was = failed(); return was > 0 })
	old := s.Pid
	eventually(t, "the worker serves again", func() bool { return s.status().Apps[0].Ready == 1 })
	s.usr2()
	s.upgraded()
	eventually(t, "the new process has the socket", func() bool { return len(s.events("control_socket")) == 2 })
	if st := s.status(); st.Pid != s.Pid || s.Pid == old {
		t.Errorf("%+v", st)
	}
	if n := failed(); n < .99*was {
		t.Errorf("%v requests have failed in the last hour, %v before the upgrade", n, was)
	}
	if m := s.mark("worker_exit"); !m.Bad {
		t.Errorf("%+v", m)
	}
	if m := s.mark("upgraded"); m.Bad || m.App != "" {
		t.Errorf("%+v", m)
	}
	if n := len(s.events("figures_lost")); n != 0 {
		t.Error("the figures are lost")
	}
	s.want(200, "/")
	eventually(t, "it counts on", func() bool {
		f := s.top().Figures
		return len(f.Apps) == 1 && f.Apps[0].Total == 1
	})
}

// An app that a reload removes is not told any more.
func TestFiguresOfARemovedApp(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"shop.py": figuresApp, "standpipe.toml": oneApp + "[[app]]\nname = \"blog\"\nmodule = \"shop:app\"\nmount = \"/blog\"\nworkers = 1\n"})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}, Apps: 2})
	s.want(200, "/")
	s.want(200, "/blog/x")
	names := func() string {
		var list []string
		for _, a := range s.top().Figures.Apps {
			list = append(list, a.App)
		}
		return fmt.Sprint(list)
	}
	eventually(t, "both are told", func() bool { return names() == "[shop blog]" })
	if err := os.WriteFile(filepath.Join(dir, "standpipe.toml"), []byte(oneApp), 0o644); err != nil {
		t.Fatal(err)
	}
	s.must("reload")
	if got := names(); got != "[shop]" {
		t.Error(got)
	}
	var p struct{ Error string }
	if code := s.ask("/v1/history?app=blog", &p); code != 404 {
		t.Errorf("%d %+v", code, p)
	}
}
