package monitor

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/supervisor"
)

// fakePool is the pool of an app.
type fakePool struct {
	app     string
	stats   supervisor.Stats
	workers []supervisor.WorkerInfo
}

func (p *fakePool) App() string                      { return p.app }
func (p *fakePool) Stats() supervisor.Stats          { return p.stats }
func (p *fakePool) Workers() []supervisor.WorkerInfo { return p.workers }

// rig is a Monitor of fake pools.
type rig struct {
	*Monitor
	mu    sync.Mutex
	list  []Pool
	log   bytes.Buffer
	ended chan struct{} // of Run
}

func newRig(apps ...string) *rig {
	r := &rig{ended: make(chan struct{})}
	r.setApps(apps...)
	r.Monitor = New(Options{Log: hclog.New(&hclog.LoggerOptions{Output: &r.log, JSONFormat: true}), Pools: func() []Pool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.list
	}})
	return r
}

func (r *rig) setApps(apps ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
	for _, app := range apps {
		r.list = append(r.list, &fakePool{app: app})
	}
}

func (r *rig) pool(i int) *fakePool { return r.list[i].(*fakePool) }

// run runs Run until the test ends.
func (r *rig) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	go func() { defer close(r.ended); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-r.ended })
}

// request is one that has ended.
type request struct {
	app, worker, source, upstream string
	status                        int
	took, receive, wait, run      time.Duration
	body                          string
	aborted                       bool
	err                           error
}

var get = httptest.NewRequest("GET", "/x?a=b", nil)

func (q request) writer() *httpx.Writer {
	w := &httpx.Writer{}
	w.Reset(httptest.NewRecorder())
	w.Info = httpx.RequestInfo{ID: "id", Start: time.Now().Add(-q.took), App: q.app, Worker: q.worker, Source: q.source, Upstream: q.upstream, Receive: q.receive, Wait: q.wait, Run: q.run, Aborted: q.aborted, Err: q.err}
	switch {
	case q.status == httpx.StatusClientGone:
		w.Info.Status = q.status
	case q.status != 0:
		w.WriteHeader(q.status)
	}
	if q.body != "" {
		_, _ = w.Write([]byte(q.body))
	}
	return w
}

func (r *rig) observe(q request) {
	get := get.Clone(context.Background())
	get.Method = http.MethodGet
	r.Observe(q.writer(), get, q.took)
}

// figures are those of one app; nil: there are none.
func (r *rig) figures(app string) *AppFigures {
	for _, f := range r.Figures("").Apps {
		if f.App == app {
			return &f
		}
	}
	return nil
}

// history is that of one app; nil: there is none.
func (r *rig) history(app string) *AppHistory {
	for _, h := range r.History("").Apps {
		if h.App == app {
			return &h
		}
	}
	return nil
}
