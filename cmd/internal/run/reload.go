package run

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/run/tune"
	"github.com/standpipe/standpipe/supervisor"
)

// reloads runs reloads: those of commands, whose callers wait, and those of signals and
// changed files, which run in the background.
type reloads struct {
	product  *compose.Server
	service  *service
	log      *logfile.Log
	failures *admin.Failures
	monitor  *monitor.Monitor
	load     func() (*config.Config, error)
	told     func(error) bool // tells people of a configuration's problems; false: they are logged
	group    *group           // of those in the background

	queue coalescer
}

// Reload reads the configuration again and puts it in force, with new code of all apps, or
// of one. A configuration with a problem changes nothing. Failures are in the log as well.
func (r *reloads) Reload(ctx context.Context, app string) error {
	defer r.service.manager.Reloading()()
	apps := 0
	err := r.product.Reload(ctx, func() (*config.Config, error) {
		cfg, err := r.read()
		if err == nil {
			apps = len(cfg.Apps)
		}
		return cfg, err
	}, app)
	cfg := r.product.Config()
	r.monitor.Slow(cfg.Logs.Slow, cfg.Logs.SlowRecords)
	tune.Changed(tune.LoadOf(cfg))
	if err == nil && apps == 0 { // else each app has its record
		r.monitor.Mark(monitor.Mark{Kind: "reloaded", Text: "the configuration"})
		r.log.Info("reloaded", "message", "The configuration is in force; there is no app.")
	}
	r.report(ctx, err)
	return err
}

// invalid is the error of a configuration with problems, which are in the log.
type invalid struct{ error }

func (e invalid) Unwrap() error { return e.error }

// read reads the configuration again, and writes its problems to the log.
func (r *reloads) read() (*config.Config, error) {
	cfg, err := r.load()
	r.failures.Config(err)
	if err != nil {
		r.monitor.Mark(monitor.Mark{Kind: "reload_failed", Text: "the configuration: " + err.Error(), Bad: true})
		if !r.told(err) {
			r.log.Error("reload_failed", "message", "the configuration has problems; nothing was changed", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		return nil, invalid{err}
	}
	for _, w := range cfg.Warnings {
		r.log.Warn("config", "message", w)
	}
	return cfg, nil
}

// report writes the error of a reload to the log, unless that was done where it happened.
func (r *reloads) report(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && !errors.As(err, new(invalid)) && !errors.As(err, new(*supervisor.ReloadFailed)) && !errors.As(err, new(*config.RestartNeeded)) {
		r.monitor.Mark(monitor.Mark{Kind: "reload_failed", Text: err.Error(), Bad: true})
		r.log.Error("reload_failed", "error", err)
	}
}

// changed is the reload of an app whose code has changed, in the development mode; path is a file that has changed. A change of the
// configuration is for all apps.
func (r *reloads) changed(ctx context.Context, app, path string) error {
	r.log.Info("reload", "reason", "changed", "app", app, "path", path)
	var err error
	if path == r.product.Config().File && path != "" {
		err = r.Reload(ctx, "")
		if failed, ok := errors.AsType[*supervisor.BootFailure](err); ok && failed.App != app {
			err = nil // of another app
		}
	} else if err = r.product.Development.Reload(ctx, r.read, app); !errors.As(err, new(*supervisor.BootFailure)) && !errors.Is(err, supervisor.ErrSuperseded) {
		r.report(ctx, err)
	}
	if errors.As(err, new(*config.RestartNeeded)) {
		return nil
	}
	return err
}

// start reloads an app, or all (empty), in the background. A request that comes while a
// reload of the same app is in progress leads to one more reload after it.
//
// reason is SIGHUP, touched or changed; path is the file, if there is one.
func (r *reloads) start(app, reason, path string) {
	reloaded := r.service.manager.Reloading() // for each request: systemd awaits a response to each signal
	pairs := []any{"reason", reason, "app", app}
	if path != "" {
		pairs = append(pairs, "path", path)
	}
	r.log.Info("reload", pairs...)
	if !r.queue.add(app) {
		reloaded()
		return
	}
	run := func(ctx context.Context) { // ends with the reload; the end of ctx does not interrupt it
		defer reloaded()
		for r.queue.next(app) {
			_ = r.Reload(ctx, app) // it logs its error
		}
	}
	if !r.group.start(run) {
		reloaded()
	}
}

// coalescer merges requests with the same key: at most one is in progress and one waits.
type coalescer struct {
	mu      sync.Mutex
	waiting map[string]bool // by key, while one is in progress: another one waits
}

// add notes a request. first: none is in progress, so the caller starts one, which calls next.
func (c *coalescer) add(key string) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = map[string]bool{}
	}
	_, running := c.waiting[key]
	c.waiting[key] = true
	return !running
}

// next reports whether there is a request to run; if not, the next add is first again.
func (c *coalescer) next(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.waiting[key] {
		delete(c.waiting, key)
		return false
	}
	c.waiting[key] = false
	return true
}
