package admin

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/metrics"
	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

func (h *Handler) status(w http.ResponseWriter, r *http.Request) {
	s, err := h.statusOf(r.URL.Query().Get("app"))
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, s)
}

// statusOf is the state of the server with one app, or (empty) with all.
func (h *Handler) statusOf(app string) (*Status, error) {
	pools, err := h.pools(app)
	if err != nil {
		return nil, err
	}
	s := &Status{Version: h.Version, Pid: h.Pid, Started: h.Started, Control: h.control, FailedReload: h.Failures.of(configFailed), Apps: []App{}}
	h.Server.About(s)
	for _, p := range pools {
		s.Apps = append(s.Apps, h.app(p))
	}
	return s, nil
}

// health does not collect what the status shows: a check runs every few seconds.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) {
	app := r.URL.Query().Get("app")
	pools, err := h.pools(app)
	if err != nil {
		fail(w, err)
		return
	}
	s := &Health{Apps: []AppHealth{}}
	s.Ready, _ = h.Server.Ready(app)
	for _, p := range pools {
		ready, _ := h.Server.Ready(p.App())
		s.Apps = append(s.Apps, AppHealth{p.App(), ready})
	}
	answer(w, http.StatusOK, s)
}

func (h *Handler) static(w http.ResponseWriter, r *http.Request) {
	app := r.URL.Query().Get("app")
	if _, err := h.pools(app); err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, &Files{Static: append([]Folder{}, h.Server.Static(app)...)})
}

func (h *Handler) app(p Pool) App {
	s := p.Stats()
	a := App{
		Name: s.App, Generation: s.Generation, Release: s.Release, ReleaseGone: process.ReleaseGone(s.Release), Reloading: s.Reloading, Paused: s.Paused, Asleep: s.Asleep,
		Workers: s.Workers, Idle: s.Idle, Busy: s.Busy, Booting: s.Booting, Draining: s.Draining, BackingOff: s.BackingOff, Surplus: s.Surplus, Ready: s.Ready,
		Waiting: s.Waiting, Limit: s.Limit, Oldest: s.Oldest.Seconds(),
		Served: s.Counts.Served, Restarts: metrics.Restarts(s.Counts), QueueFull: s.Counts.QueueFull, QueueTimeouts: s.Counts.QueueTimeouts, BootFailures: s.Counts.BootFailures,
		FailedReload: h.Failures.of(s.App), Processes: []Worker{},
	}
	if e := p.Failure(); e != nil {
		f := bootFailure(e)
		a.Failure = &f
	}
	for _, info := range p.Workers() {
		a.Processes = append(a.Processes, worker(info))
	}
	for _, t := range p.Templates() {
		a.Templates = append(a.Templates, Template{Name: t.Worker, Pid: t.Pid, Generation: t.Generation, Ready: t.Ready, Up: t.Up.Seconds(), Forks: t.Forks, PSS: t.PSS})
	}
	return a
}

func worker(info supervisor.WorkerInfo) Worker {
	w := Worker{Name: info.Worker, Pid: info.Pid, Generation: info.Generation, Release: info.Release, State: info.State.String(), Up: info.Up.Seconds(), Served: info.Served, RSS: info.RSS, PSS: process.PSS(info.Pid), Requests: []Request{}}
	if info.Due != supervisor.None {
		w.Due = info.Due.String()
	}
	for _, f := range info.InFlight {
		q := Request{ID: f.Label.ID, Method: f.Label.Method, Target: f.Label.Target}
		if !f.Sent.IsZero() {
			q.Seconds = time.Since(f.Sent).Seconds()
		}
		w.Requests = append(w.Requests, q)
	}
	return w
}

// ParseWorker splits the name of a worker, such as shop/3. The number is 1 or more.
func ParseWorker(name string) (app string, number int, ok bool) {
	i := strings.LastIndexByte(name, '/')
	if i <= 0 {
		return "", 0, false
	}
	n, err := strconv.Atoi(name[i+1:])
	if err != nil || n < 1 || name[i+1] == '+' {
		return "", 0, false
	}
	return name[:i], n, true
}
