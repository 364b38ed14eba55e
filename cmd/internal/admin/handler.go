package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor"
)

const (
	maxBody     = 512 << 10 // bytes of a command
	bodyTimeout = 5 * time.Second
	// A worker that a debugger has stopped, for example, does not respond.
	dumpTimeout = 10 * time.Second
)

// Handler serves the control socket.
type Handler struct {
	Options
	mux     http.ServeMux
	control string // the socket's path, for Status
}

// NewHandler returns the Handler; only Metrics may be nil in o.
func NewHandler(o Options) *Handler {
	h := &Handler{Options: o}
	h.mux.HandleFunc("GET /v1/status", h.status)
	h.mux.HandleFunc("GET /v1/health", h.health)
	h.mux.HandleFunc("GET /v1/static", h.static)
	h.mux.HandleFunc("GET /v1/certificates", h.certificates)
	h.mux.HandleFunc("GET /v1/denied", deniedList{o.Server}.list)
	h.mux.HandleFunc("GET /v1/maintenance", maintained{h}.list)
	h.mux.HandleFunc("GET /v1/dump", h.dump)
	watch := newWatching(h)
	h.mux.HandleFunc("GET /v1/top", watch.top)
	h.mux.HandleFunc("GET /v1/top/stream", watch.stream)
	h.mux.HandleFunc("GET /v1/history", watch.history)
	h.mux.HandleFunc("POST /v1/reload", h.command("reload", h.reload))
	h.mux.HandleFunc("POST /v1/restart", h.command("restart", h.restart))
	h.mux.HandleFunc("POST /v1/scale", h.command("scale", h.scale))
	h.mux.HandleFunc("POST /v1/pause", h.command("pause", func(_ context.Context, o *Order) (*Done, error) { return h.each(o, Pool.Pause) }))
	h.mux.HandleFunc("POST /v1/resume", h.command("resume", func(_ context.Context, o *Order) (*Done, error) { return h.each(o, Pool.Resume) }))
	h.mux.HandleFunc("POST /v1/renew", h.command("renew", h.renewCertificate))
	h.mux.HandleFunc("POST /v1/deny", h.command("deny", deniedList{o.Server}.deny))
	h.mux.HandleFunc("POST /v1/allow", h.command("allow", deniedList{o.Server}.allow))
	h.mux.HandleFunc("POST /v1/purge", h.command("purge", h.purge))
	h.mux.HandleFunc("POST /v1/maintenance/on", h.command("maintenance on", maintained{h}.begin))
	h.mux.HandleFunc("POST /v1/maintenance/off", h.command("maintenance off", maintained{h}.end))
	h.mux.HandleFunc("POST /v1/log-level", h.command("log-level", func(_ context.Context, o *Order) (*Done, error) {
		if err := h.Server.SetLevel(o.Level); err != nil {
			return nil, refuse(http.StatusBadRequest, "bad_level", err)
		}
		return &Done{}, nil
	}))
	h.mux.HandleFunc("POST /v1/reopen-logs", h.command("reopen-logs", func(context.Context, *Order) (*Done, error) { return &Done{}, h.Server.ReopenLogs() }))
	h.mux.HandleFunc("POST /v1/stop", h.stop)
	if o.Metrics != nil {
		h.mux.Handle("GET /metrics", o.Metrics)
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, refuse(http.StatusNotFound, "no_such_command", fmt.Errorf("this standpipe (%s) has no %s %s", h.Version, r.Method, r.URL.Path)))
	})
	return h
}

// ServeHTTP serves a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// command adds the record and the response to what a command does.
func (h *Handler) command(name string, do func(context.Context, *Order) (*Done, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o, err := read(w, r)
		if err != nil {
			fail(w, err)
			return
		}
		h.record(name, o, r)
		done, err := do(r.Context(), o)
		if err != nil {
			fail(w, err)
			return
		}
		answer(w, http.StatusOK, done)
	}
}

func (h *Handler) record(name string, o *Order, r *http.Request) {
	pairs := []any{"command", name}
	if o.App != "" {
		pairs = append(pairs, "app", o.App)
	}
	if o.Worker != "" {
		pairs = append(pairs, "worker", o.Worker)
	}
	if o.Workers != 0 {
		pairs = append(pairs, "to", o.Workers)
	}
	if o.Name != "" {
		pairs = append(pairs, "name", o.Name)
	}
	if o.Network != "" {
		pairs = append(pairs, "network", o.Network)
	}
	if o.Purge != nil {
		pairs = append(pairs, "purge", o.Purge.what())
	}
	if o.Level != "" {
		pairs = append(pairs, "log_level", o.Level)
	}
	h.Log.Info("control", append(pairs, "by", by(r.Context()))...)
}

// pools are those of the app; empty: all.
func (h *Handler) pools(app string) ([]Pool, error) {
	all := h.Server.Pools()
	if app == "" {
		return all, nil
	}
	var names []string
	for _, p := range all {
		if p.App() == app {
			return []Pool{p}, nil
		}
		names = append(names, p.App())
	}
	return nil, refuse(http.StatusNotFound, "no_such_app", fmt.Errorf("there is no app %q; the apps are: %s", app, cmp.Or(strings.Join(names, ", "), "none")))
}

// worker finds the pool and the slot (from 0) of a worker such as shop/3.
func (h *Handler) worker(name string) (Pool, int, error) {
	app, number, ok := ParseWorker(name)
	if !ok {
		return nil, 0, refuse(http.StatusBadRequest, "bad_worker", fmt.Errorf("%q is not the name of a worker; write for example shop/3", name))
	}
	pools, err := h.pools(app)
	if err != nil {
		return nil, 0, err
	}
	if n := pools[0].Stats().Workers; number > n {
		return nil, 0, refuse(http.StatusNotFound, "no_such_worker", fmt.Errorf("there is no worker %s; app %q has %d", name, app, n))
	}
	return pools[0], number - 1, nil
}

func (h *Handler) each(o *Order, do func(Pool) bool) (*Done, error) {
	pools, err := h.pools(o.App)
	if err != nil {
		return nil, err
	}
	d := &Done{}
	for _, p := range pools {
		do(p)
		d.Apps = append(d.Apps, p.App())
	}
	return d, nil
}

func (h *Handler) reload(ctx context.Context, o *Order) (*Done, error) {
	pools, err := h.pools(o.App)
	if err != nil {
		return nil, err
	}
	err = h.Server.Reload(ctx, o.App)
	if _, needed := errors.AsType[*config.RestartNeeded](err); needed {
		return nil, refuse(http.StatusConflict, RestartNeeded, err)
	}
	if err != nil {
		return nil, err
	}
	d := &Done{}
	for _, p := range pools {
		d.Apps = append(d.Apps, p.App())
	}
	return d, nil
}

func (h *Handler) restart(ctx context.Context, o *Order) (*Done, error) {
	if o.Worker == "" {
		return h.reload(ctx, o)
	}
	p, number, err := h.worker(o.Worker)
	if err != nil {
		return nil, err
	}
	err = p.Restart(ctx, number)
	if _, failed := errors.AsType[*supervisor.BootFailure](err); err != nil && !failed {
		return nil, refuse(http.StatusConflict, "not_restarted", err)
	}
	return &Done{Apps: []string{p.App()}}, err
}

func (h *Handler) scale(_ context.Context, o *Order) (*Done, error) {
	pools, err := h.pools(o.App)
	if err != nil {
		return nil, err
	}
	if len(pools) == 0 {
		return nil, refuse(http.StatusNotFound, "no_such_app", errors.New("there is no app"))
	}
	if len(pools) != 1 {
		return nil, refuse(http.StatusBadRequest, "which_app", errors.New("there are several apps; write APP=N"))
	}
	if o.Workers < 1 || o.Workers > maxWorkers {
		return nil, refuse(http.StatusBadRequest, "bad_number", fmt.Errorf("%d is not a number of workers; it is 1 to %d", o.Workers, maxWorkers))
	}
	from, err := pools[0].Resize(o.Workers)
	if err != nil {
		return nil, refuse(http.StatusConflict, "not_scaled", err)
	}
	return &Done{Apps: []string{pools[0].App()}, From: from, To: o.Workers}, nil
}

// maxWorkers is for typing errors; no machine has so many workers.
const maxWorkers = 4096

func (h *Handler) dump(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("worker")
	p, number, err := h.worker(name)
	if err != nil {
		fail(w, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), dumpTimeout)
	defer cancel()
	d := &Dump{Worker: name}
	d.Stacks, err = p.Dump(ctx, number)
	switch {
	case errors.Is(err, context.DeadlineExceeded), err == nil && d.Stacks == "":
		err = refuse(http.StatusConflict, "no_stacks", fmt.Errorf("%s does not respond; is it stopped, or still starting?", name))
	case err != nil:
		err = refuse(http.StatusConflict, "no_stacks", err)
	}
	if err != nil {
		fail(w, err)
		return
	}
	h.Monitor.Dumped(name, d.Stacks)
	for _, info := range p.Workers() {
		if info.Worker == name && (d.Pid == 0 || info.State == supervisor.Serving) {
			d.Pid = info.Pid
		}
	}
	answer(w, http.StatusOK, d)
}

// stop begins the stop and keeps the connection: it ends with the process.
func (h *Handler) stop(w http.ResponseWriter, r *http.Request) {
	o, err := read(w, r)
	if err != nil {
		fail(w, err)
		return
	}
	h.record("stop", o, r)
	conn, _, err := http.NewResponseController(w).Hijack()
	h.Server.Stop()
	if err != nil { // not a socket: the end cannot be waited for
		answer(w, http.StatusOK, &Done{Pid: h.Pid})
		return
	}
	body, _ := json.Marshal(&Done{Pid: h.Pid})
	_ = conn.SetDeadline(time.Now().Add(bodyTimeout))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n%s\n", body)
	_ = conn.SetDeadline(time.Time{})
	keep(conn)
}
