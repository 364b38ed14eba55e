package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/maintain"
	"github.com/standpipe/standpipe/cmd/internal/acme"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor"
)

type fakePool struct {
	app     string
	size    int
	done    *[]string
	stacks  string
	err     error
	failure *supervisor.BootFailure
}

func (p *fakePool) record(s string) { *p.done = append(*p.done, p.app+" "+s) }

func (p *fakePool) App() string { return p.app }
func (p *fakePool) Stats() supervisor.Stats {
	return supervisor.Stats{App: p.app, Workers: p.size, Idle: p.size - 1, Busy: 1, Ready: p.size, Counts: supervisor.Counts{Exits: map[supervisor.ExitKind]int64{{Cause: "signal:9", Reason: "none"}: 2}}}
}
func (p *fakePool) Templates() []supervisor.TemplateInfo {
	return []supervisor.TemplateInfo{{Who: supervisor.Who{App: "shop", Worker: "shop/template", Pid: 4000, Generation: 7}, Ready: true, Forks: 9, PSS: 5 << 20}}
}

func (p *fakePool) Workers() []supervisor.WorkerInfo {
	return []supervisor.WorkerInfo{{Who: supervisor.Who{App: p.app, Worker: p.app + "/1", Pid: 11, Generation: 1}, State: supervisor.Serving, Up: time.Second, RSS: 7,
		InFlight: []shim.InFlight{{Label: shim.Label{ID: "1", Method: "GET", Target: "/x\x1b[2J"}, Sent: time.Now().Add(-time.Minute)}}}}
}
func (p *fakePool) Failure() *supervisor.BootFailure { return p.failure }
func (p *fakePool) Resize(n int) (int, error) {
	p.record(fmt.Sprint("resize ", n))
	return p.size, p.err
}
func (p *fakePool) Restart(_ context.Context, n int) error {
	p.record(fmt.Sprint("restart ", n))
	return p.err
}
func (p *fakePool) Dump(_ context.Context, n int) (string, error) {
	p.record(fmt.Sprint("dump ", n))
	return p.stacks, p.err
}
func (p *fakePool) Pause() bool  { p.record("pause"); return true }
func (p *fakePool) Resume() bool { p.record("resume"); return true }

type fakeServer struct {
	pools []*fakePool
	done  []string
	err   error

	certificates []certs.Info
	denied       *access.Denied
	maintained   *maintain.List
	upgrading    bool
	persists     bool // Persist: over a restart
}

func (s *fakeServer) Pools() (list []Pool) {
	for _, p := range s.pools {
		list = append(list, p)
	}
	return list
}
func (s *fakeServer) Reload(_ context.Context, app string) error {
	s.done = append(s.done, "reload "+app)
	return s.err
}
func (s *fakeServer) Stop() { s.done = append(s.done, "stop") }
func (s *fakeServer) Static(app string) []Folder {
	return []Folder{{App: app, URL: "/static/", Dir: "/srv/static", How: "configured", State: "served"}}
}

func (s *fakeServer) SetLevel(level string) error {
	s.done = append(s.done, "level "+level)
	return s.err
}
func (s *fakeServer) ReopenLogs() error { s.done = append(s.done, "reopen"); return s.err }
func (s *fakeServer) Ready(app string) (ready, known bool) {
	for _, p := range s.pools {
		known = known || app == "" || app == p.app
	}
	return known && (app != "" || len(s.pools) == 1), known
}
func (s *fakeServer) About(st *Status) { st.LogLevel = "info" }

func (s *fakeServer) Certificates() []certs.Info { return s.certificates }
func (s *fakeServer) RenewCertificate(ctx context.Context, name string) error {
	s.done = append(s.done, "renew "+name)
	return errors.Join(s.err, ctx.Err())
}

func (s *fakeServer) Deny(e access.Entry) error          { return s.denied.Add(e) }
func (s *fakeServer) Allow(p netip.Prefix) (bool, error) { return s.denied.Remove(p), s.err }
func (s *fakeServer) Denied() []access.Entry             { return s.denied.List(time.Now(), 0) }
func (s *fakeServer) Persist() bool                      { s.done = append(s.done, "persist"); return s.persists }
func (s *fakeServer) Maintenance() *maintain.List        { return s.maintained }
func (s *fakeServer) Upgrading() bool                    { return s.upgrading }
func (s *fakeServer) Purge(_ context.Context, app string, p cache.Purges) (int, error) {
	if _, err := p.Each(time.Time{}); err != nil {
		return 0, err
	}
	s.done = append(s.done, fmt.Sprint("purge ", app, p.URLs, p.Prefixes, p.Groups, p.All, p.Soft))
	return 3, s.err
}

type rig struct {
	*fakeServer
	h       *Handler
	figures fakeMonitor
	log     bytes.Buffer
}

func newRig() *rig {
	r := &rig{fakeServer: &fakeServer{denied: access.NewDenied(), maintained: maintain.NewList(hclog.NewNullLogger())}}
	for _, app := range []string{"shop", "blog"} {
		r.pools = append(r.pools, &fakePool{app: app, size: 4, done: &r.done, stacks: "the stacks"})
	}
	r.h = NewHandler(Options{Server: r.fakeServer, Monitor: &r.figures, Failures: new(Failures), Log: hclog.New(&hclog.LoggerOptions{Output: &r.log}), Version: "1", Pid: 9,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "metrics") })})
	return r
}

func (r *rig) do(method, path, body string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r.h.ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
	return rec
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		done, answer       string
	}{
		{"POST", "/v1/reload", "", 200, "reload ", `{"apps":["shop","blog"]}`},
		{"POST", "/v1/reload", `{"app":"shop"}`, 200, "reload shop", `{"apps":["shop"]}`},
		{"POST", "/v1/reload", `{"app":"other"}`, 404, "", `\"other\"`},
		{"POST", "/v1/restart", `{"app":"blog"}`, 200, "reload blog", `"blog"`},
		{"POST", "/v1/restart", `{"worker":"blog/4"}`, 200, "blog restart 3", `"blog"`},
		{"POST", "/v1/restart", `{"worker":"blog/5"}`, 404, "", `\"blog\"`},
		{"POST", "/v1/restart", `{"worker":"blog/0"}`, 400, "", "shop/3"},
		{"POST", "/v1/restart", `{"worker":"blog"}`, 400, "", "shop/3"},
		{"POST", "/v1/scale", `{"app":"shop","workers":8}`, 200, "shop resize 8", `{"apps":["shop"],"from":4,"to":8}`},
		{"POST", "/v1/scale", `{"workers":8}`, 400, "", "APP=N"},
		{"POST", "/v1/scale", `{"app":"shop"}`, 400, "", "0"},
		{"POST", "/v1/scale", `{"app":"shop","workers":99999}`, 400, "", "4096"},
		{"POST", "/v1/pause", `{"app":"shop"}`, 200, "shop pause", `"shop"`},
		{"POST", "/v1/resume", "", 200, "shop resume,blog resume", `"blog"`},
		{"POST", "/v1/log-level", `{"level":"debug"}`, 200, "level debug", "{}"},
		{"GET", "/v1/health", "", 200, "", `{"ready":false,"apps":[{"name":"shop","ready":true},{"name":"blog","ready":true}]}`},
		{"GET", "/v1/health?app=shop", "", 200, "", `{"ready":true,"apps":[{"name":"shop","ready":true}]}`},
		{"GET", "/v1/health?app=nope", "", 404, "", `"error":"no_such_app"`},
		{"POST", "/v1/renew", `{"name":"shop.test"}`, 200, "renew shop.test", "{}"},
		{"POST", "/v1/renew", "", 400, "", `"error":"no_such_certificate"`},
		{"GET", "/v1/certificates", "", 200, "", `{"running":true,"certificates":[]}`},
		{"POST", "/v1/reopen-logs", "", 200, "reopen", "{}"},
		{"POST", "/v1/stop", "", 200, "stop", `{"pid":9}`},
		{"GET", "/v1/dump?worker=shop/1", "", 200, "shop dump 0", `{"worker":"shop/1","pid":11,"stacks":"the stacks"}`},
		{"GET", "/v1/dump?worker=../1", "", 404, "", `"error":"no_such_app"`},
		{"GET", "/metrics", "", 200, "", "metrics"},
		// Nothing changes by a GET, and half of an order is not obeyed.
		{"GET", "/v1/stop", "", 404, "", "GET /v1/stop"},
		{"POST", "/v1/nothing", "", 404, "", "POST"},
		{"POST", "/v1/pause", `{"ap":"shop"}`, 400, "", `"error":"bad_request"`},
		{"POST", "/v1/pause", `{"app":"shop"} {}`, 400, "", `"error":"bad_request"`},
		{"POST", "/v1/pause", `{"app":"` + strings.Repeat("x", maxBody) + `"}`, 400, "", `"error":"bad_request"`},
	} {
		r := newRig()
		rec := r.do(c.method, c.path, c.body)
		if rec.Code != c.status || strings.Join(r.done, ",") != c.done || !strings.Contains(rec.Body.String(), c.answer) {
			t.Errorf("%s %s %.60s: %d %s, done %q; want %d %s %q", c.method, c.path, c.body, rec.Code, rec.Body, r.done, c.status, c.answer, c.done)
		}
		understood := c.method == "POST" && c.path != "/v1/nothing" && c.answer != `"error":"bad_request"`
		if told := strings.Contains(r.log.String(), "control: command="); told != understood {
			t.Errorf("%s %s %.60s: the log has %q", c.method, c.path, c.body, r.log.String())
		}
		if c.status >= 400 {
			var p Problem
			if json.Unmarshal(rec.Body.Bytes(), &p) != nil || p.Err == "" || p.Detail == "" {
				t.Errorf("%s %s: no Problem: %s", c.method, c.path, rec.Body)
			}
		}
	}
}

func failedReload() *supervisor.ReloadFailed {
	return &supervisor.ReloadFailed{BootFailure: supervisor.BootFailure{Who: supervisor.Who{App: "shop", Generation: 8},
		Failed: &wire.Failed{Message: "shop/models.py:41: SyntaxError: '(' was never closed", Traceback: "Traceback ...\n"}}, Serving: 7}
}

// What went wrong comes back with its traceback, also when it is one of several.
func TestFailedReload(t *testing.T) {
	r := newRig()
	r.err = errors.Join(errors.New("another"), failedReload())
	rec := r.do("POST", "/v1/reload", "")
	var p Problem
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || rec.Code != 409 || p.Err != "did_not_start" || len(p.Failures) != 1 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if f := p.Failures[0]; f.App != "shop" || f.Traceback != "Traceback ..." || !strings.Contains(f.Sentence, "shop/models.py:41: SyntaxError") || !strings.Contains(p.Detail, "another") {
		t.Errorf("%+v", p)
	}
}

func TestStatus(t *testing.T) {
	r := newRig()
	r.h.Failures.Event(*failedReload())
	r.h.Failures.Config(errors.New("standpipe.toml:3: no"))
	r.pools[1].failure = &supervisor.BootFailure{Who: supervisor.Who{App: "blog"}, Err: errors.New("it ended")}
	get := func(path string) (s Status) {
		rec := r.do("GET", path, "")
		if err := json.Unmarshal(rec.Body.Bytes(), &s); err != nil || rec.Code != 200 {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		return s
	}
	s := get("/v1/status")
	if len(s.Apps) != 2 || s.Pid != 9 || s.LogLevel != "info" || s.FailedReload == nil || s.FailedReload.Sentence != "standpipe.toml:3: no" {
		t.Fatalf("%+v", s)
	}
	a := s.Apps[0]
	if a.Idle+a.Busy+a.Booting+a.Draining+a.BackingOff != a.Workers || a.Restarts != 2 || a.FailedReload == nil || a.FailedReload.Traceback != "Traceback ..." || a.Failure != nil {
		t.Errorf("%+v", a)
	}
	if w := a.Processes[0]; w.Name != "shop/1" || w.State != "serving" || w.Pid != 11 || len(w.Requests) != 1 || w.Requests[0].Seconds < 60 || w.Requests[0].Target != "/x\x1b[2J" {
		t.Errorf("%+v", a.Processes)
	}
	if b := s.Apps[1]; b.Failure == nil || b.Failure.Sentence != `app "blog" did not start: it ended` || b.FailedReload != nil {
		t.Errorf("%+v", b)
	}
	r.h.Failures.Event(supervisor.Reloaded{App: "shop"})
	r.h.Failures.Config(nil)
	if s := get("/v1/status?app=shop"); len(s.Apps) != 1 || s.Apps[0].FailedReload != nil || s.FailedReload != nil {
		t.Errorf("after it went well: %+v", s)
	}
	if rec := r.do("GET", "/v1/status?app=x", ""); rec.Code != 404 {
		t.Errorf("%d", rec.Code)
	}
}

func TestDumpWithoutAnswer(t *testing.T) {
	r := newRig()
	r.pools[0].stacks = ""
	if rec := r.do("GET", "/v1/dump?worker=shop/2", ""); rec.Code != 409 || !strings.Contains(rec.Body.String(), "shop/2") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	r.pools[0].err = errors.New("no worker shop/2 runs")
	if rec := r.do("GET", "/v1/dump?worker=shop/2", ""); rec.Code != 409 || !strings.Contains(rec.Body.String(), "shop/2") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func FuzzOrder(f *testing.F) {
	f.Add([]byte(`{"app":"shop","workers":8}`))
	f.Add([]byte("  "))
	f.Add([]byte(`{"worker":"shop/3"} x`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := parseOrder(b); err == nil {
			if app, n, ok := ParseWorker(o.Worker); ok && (n < 1 || app == "") {
				t.Errorf("%q is %q %d", o.Worker, app, n)
			}
		}
	})
}

func TestCertificates(t *testing.T) {
	r := newRig()
	now := time.Now()
	r.certificates = []certs.Info{
		{Names: []string{"file.test"}, Source: "/etc/file.pem", NotAfter: now.Add(-time.Hour)},
		{Names: []string{"shop.test"}, Source: acme.Source, NotAfter: now.Add(30*24*time.Hour + time.Hour)},
		{Names: []string{"new.test"}, Source: acme.Source, Error: "refused"},
	}
	var list Certificates
	if err := json.Unmarshal(r.do("GET", "/v1/certificates", "").Body.Bytes(), &list); err != nil || len(list.Certificates) != 3 {
		t.Fatal(list, err)
	}
	for i, want := range []int{-1, 30} {
		if days := list.Certificates[i].DaysLeft; days == nil || *days != want {
			t.Errorf("%s: %v days left, want %d", list.Certificates[i].Name(), days, want)
		}
	}
	if c := list.Certificates[2]; c.DaysLeft != nil || c.Error != "refused" {
		t.Errorf("%+v", c)
	}
	for _, c := range []struct {
		err    error
		status int
		word   string
	}{
		{acme.ErrNone, http.StatusConflict, "no_automatic_certificates"}, {fmt.Errorf("x: %w", acme.ErrUnknownName), http.StatusNotFound, "no_such_certificate"},
		{errors.New("the CA refuses"), http.StatusConflict, "not_renewed"},
	} {
		r.err = c.err
		rec := r.do("POST", "/v1/renew", `{"name":"file.test"}`)
		var p Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || rec.Code != c.status || p.Err != c.word {
			t.Errorf("%v: %d %s", c.err, rec.Code, rec.Body)
		}
		if c.status == http.StatusNotFound && (!strings.Contains(p.Detail, "shop.test, new.test") || strings.Count(p.Detail, "file.test") != 1) {
			t.Error(p.Detail)
		}
	}
}

// A client that disconnects does not end its renewal.
func TestRenewalContinues(t *testing.T) {
	r := newRig()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := httptest.NewRecorder()
	r.h.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "POST", "/v1/renew", strings.NewReader(`{"name":"shop.test"}`)))
	if rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestDenyAndAllow(t *testing.T) {
	r := newRig()
	for _, c := range []struct {
		path, body string
		status     int
		word       string
	}{
		{"/v1/deny", `{"network":"203.0.113.7","seconds":60,"reason":"probes"}`, 200, ""},
		{"/v1/deny", `{"network":"203.0.113.0/23x"}`, 400, "bad_network"},
		{"/v1/deny", `{"network":"203.0.113.7","seconds":-1}`, 400, "bad_duration"},
		{"/v1/deny", `{"network":"203.0.113.7","seconds":1e300}`, 400, "bad_duration"},
		{"/v1/deny", `{"network":"all"}`, 409, "risky_network"},
		{"/v1/deny", `{"network":"127.0.0.1"}`, 409, "risky_network"},
		{"/v1/deny", `{"network":"127.0.0.1","force":true}`, 200, ""},
		{"/v1/allow", `{"network":"203.0.113.0/24"}`, 404, "not_denied"},
		{"/v1/allow", `{"network":"203.0.113.7"}`, 200, ""},
	} {
		w := httptest.NewRecorder()
		r.h.ServeHTTP(w, httptest.NewRequest("POST", c.path, strings.NewReader(c.body)))
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.status || p.Err != c.word {
			t.Errorf("%s %s: %d %s", c.path, c.body, w.Code, w.Body)
		}
	}
	if list := r.denied.List(time.Now(), 0); len(list) != 1 || list[0].Network.String() != "127.0.0.1/32" || !list[0].ByCommand || !list[0].Until.IsZero() {
		t.Errorf("denied: %+v", list)
	}
}
