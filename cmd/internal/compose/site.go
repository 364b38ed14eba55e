package compose

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/forwarded"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/proxy"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
	"github.com/standpipe/standpipe/supervisor"
)

// site is what a reload replaces as a whole: nobody changes it once requests see
// it. What was under way before goes on with the site that it began with.
type site struct {
	cfg   *config.Config
	runs  []run // in the config's order
	chain http.Handler

	proxies []*proxy.Handler     // of the routes
	hosts   []*staticfiles.Hosts // of [[static]]
}

// run is one app of a site.
type run struct {
	app   *config.App
	pool  *supervisor.Pool
	files *staticfiles.App
}

// plan pairs the apps of cfg with the pools of old (nil: none), and makes those
// that are missing. They are not started.
func (s *Server) plan(cfg *config.Config, old *site) (*site, error) {
	next := &site{cfg: cfg}
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		r := run{app: a}
		if was := old.run(a.Name); was != nil {
			r.pool, r.files = was.pool, was.files
		} else {
			r.pool, r.files = newPool(cfg, a, s.version, s.shim, s.privileges, s.events), s.files.NewApp(cfg, a)
		}
		next.runs = append(next.runs, r)
	}
	return next, nil
}

func (t *site) run(app string) *run {
	if t != nil {
		for i := range t.runs {
			if t.runs[i].app.Name == app {
				return &t.runs[i]
			}
		}
	}
	return nil
}

// assemble makes the handlers of the site, from the inside outward.
func (t *site) assemble(s *Server) error {
	pages, err := httpx.LoadPages(t.cfg.Responses.ErrorPages)
	if err != nil {
		return err
	}
	rules := make([]route.Rule, 0, len(t.runs))
	for _, r := range t.runs {
		h := s.withFiles(t.cfg, r, s.newHandler(t.cfg, r.app, r.pool, pages), pages)
		rules = append(rules, route.Rule{Name: r.app.Name, Mount: r.app.Mount, Hosts: r.app.Hosts, Handler: h})
	}
	router, err := route.New(rules, pages, s.log)
	if err != nil {
		return err
	}
	inner, err := s.routed(t, router, pages)
	if err != nil {
		return err
	}
	inner, hosts, err := s.files.Front(t.cfg, inner, pages)
	if err != nil {
		return err
	}
	t.hosts = hosts
	trust, err := newTrust(t.cfg)
	if err != nil {
		return err
	}
	fields, err := forwarded.ParseFields(t.cfg.Trust.Fields)
	if err != nil {
		return fmt.Errorf("trusted_fields: %w", err)
	}
	t.chain = wrap(inner, []Stage{
		{"done", chain.Done(s.observers...)},
		{"panics", chain.Panics(chain.PanicsOptions{Pages: pages, Log: s.log})},
		{"peer", forwarded.Peer(trust)},
		{"id", chain.ID(fields.ID())},
		{"server field", serverField(t.cfg)},
		{"path", chain.Path()},
		{"health", s.health(t.cfg)},
		{"forwarded", forwarded.New(forwarded.Options{Trust: trust, Fields: fields, Log: s.log})},
		{"limits", chain.Limits(chain.LimitsOptions{MaxBody: t.cfg.Limits.MaxBody, MaxTarget: maxTarget, Pages: pages, Log: s.log})},
	})
	return nil
}

// Stage is one step of the way of a request.
type Stage struct {
	Name string
	Wrap func(next http.Handler) http.Handler // nil: the stage is off
}

// serverField is the stage that names the server; nil: it is off.
func serverField(cfg *config.Config) func(http.Handler) http.Handler {
	if cfg.Responses.ServerHeader == "" {
		return nil
	}
	return chain.ServerField(cfg.Responses.ServerHeader)
}

// wrap puts the stages around inner, the first one outermost.
func wrap(inner http.Handler, stages []Stage) http.Handler {
	for _, stage := range slices.Backward(stages) {
		if stage.Wrap != nil {
			inner = stage.Wrap(inner)
		}
	}
	return inner
}

// Reload puts cfg in force, and new code: each app of cfg that was there before
// boots beside its old workers, which serve until the new ones are ready. An app
// that cannot boot stays as it is, settings included, and its error comes back; a
// new one is not added then. What cfg cannot change while standpipe runs is named in
// a record, and by a *config.RestartNeeded if nothing failed. Requests that run are not touched.
//
// only names the one app that is reloaded; empty: all, and apps come and go. When
// ctx ends first its error is returned, and the reload goes on. load is called when
// it is this reload's turn: the last one that was asked for has read the last
// configuration.
func (s *Server) Reload(ctx context.Context, load func() (*config.Config, error), only string) error {
	done := make(chan error, 1)
	s.serving.Go(func() { // ends with the pools at the latest
		select {
		case s.reloads <- struct{}{}:
			defer func() { <-s.reloads }()
		case <-s.quit:
			done <- errStopping
			return
		}
		cfg, err := load()
		if err == nil {
			err = s.reload(cfg, only)
		}
		done <- err
	})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errStopping = errors.New("standpipe is stopping")

// errNoApp: there is no such app.
var errNoApp = errors.New("no such app")

func (s *Server) reload(cfg *config.Config, only string) error {
	old := s.site.Load()
	if s.stopping.Load() {
		return errStopping
	}
	cfg = cfg.Released()
	if only != "" {
		if old.run(only) == nil {
			return fmt.Errorf("%w: %q; these are: %s", errNoApp, only, strings.Join(old.names(), ", "))
		}
		if cfg = with(old.cfg, cfg, only); cfg == nil {
			return fmt.Errorf("the configuration has no app %q any more; a reload of all apps puts that in force", only)
		}
	}
	next, err := s.plan(cfg, old)
	if err != nil {
		return err
	}
	if err := next.assemble(s); err != nil { // before anything is started
		return err
	}
	errs := make([]error, len(next.runs))
	var wg sync.WaitGroup
	for i, r := range next.runs {
		was := old.run(r.app.Name)
		switch {
		case was == nil:
			s.files.Add(r.files)
			wg.Go(func() {
				if errs[i] = s.begin(r.pool); errs[i] != nil {
					s.files.Remove(r.files)
				}
			})
		case only == "" || only == r.app.Name:
			o := poolOptions(cfg, r.app, s.version, s.shim, s.privileges, s.events)
			r.files.Expect(cfg, r.app)
			wg.Go(func() { // ends with the pool
				if errs[i] = r.pool.Reload(context.Background(), &o); errs[i] != nil {
					r.files.Expect(old.cfg, was.app)
				}
			})
		}
	}
	wg.Wait()
	err = errors.Join(errs...)
	if err != nil { // who failed stays as it was
		moved := only == "" && slices.Contains(errs, nil)
		if next, err = s.without(next, old, errs, moved); err != nil {
			return err
		}
	}
	s.files.Open(next.cfg, next.hosts)
	s.files.Clear()
	s.site.Store(next)
	s.settle(old, next)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if fixed := s.started.Fixed(next.cfg); len(fixed) > 0 {
		return &config.RestartNeeded{Settings: fixed}
	}
	return nil
}

// with is old with one app as next has it; nil: one of them has no such app.
func with(old, next *config.Config, app string) *config.Config {
	at := func(c *config.Config) int {
		return slices.IndexFunc(c.Apps, func(a config.App) bool { return a.Name == app })
	}
	i, j := at(old), at(next)
	if i < 0 || j < 0 {
		return nil
	}
	merged := *old
	merged.Apps = slices.Clone(old.Apps)
	merged.Apps[i] = next.Apps[j]
	return merged.ReleasedFiles()
}

func (t *site) names() []string {
	names := make([]string, len(t.runs))
	for i, r := range t.runs {
		names[i] = r.app.Name
	}
	return names
}

// begin starts a new app and waits until it serves, or cannot.
func (s *Server) begin(p *supervisor.Pool) error {
	p.Start()
	err := errStopping
	select {
	case <-p.Up():
		return nil
	case <-p.Down():
		err = p.Failure()
	case <-s.quit:
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // it serves nobody
	p.Stop(ctx, supervisor.Shutdown)
	return fmt.Errorf("app %q did not start: %w", p.App(), err)
}

// without is next with each app that failed as it was before. moved: an app is new.
func (s *Server) without(next, old *site, errs []error, moved bool) (*site, error) {
	cfg := *next.cfg
	cfg.Apps = nil
	kept := &site{cfg: &cfg}
	for i, r := range next.runs {
		if errs[i] != nil {
			was := old.run(r.app.Name)
			if was == nil {
				continue
			}
			r = *was
		}
		cfg.Apps = append(cfg.Apps, *r.app)
		kept.runs = append(kept.runs, r)
	}
	if !moved { // the old releases serve on, and so do the files that were in force with them
		cfg.Static, cfg.Internal = old.cfg.Static, old.cfg.Internal
	}
	return kept, kept.assemble(s)
}

// settle ends what next does not have any more, and tells what it could not change.
func (s *Server) settle(old, next *site) {
	old.closeProxies()
	s.group.SetLimits(paceOf(next.cfg))
	s.log.SetLevel(hclog.LevelFromString(next.cfg.Logs.Level))
	if fixed := s.started.Fixed(next.cfg); len(fixed) > 0 { // which the last reload may have found too
		s.log.Warn("restart_needed", "settings", strings.Join(fixed, ", "), "message", "these settings have changed in the configuration and are in force after a restart only")
	}
	for _, r := range old.runs {
		if next.run(r.app.Name) != nil {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		if d := r.app.Life.DrainTimeout; d > 0 {
			ctx, cancel = context.WithTimeout(context.Background(), d)
		}
		s.mu.Lock()
		s.gone[r.pool] = cancel
		s.mu.Unlock()
		s.log.Info("app_removed", "app", r.app.Name)
		s.serving.Go(func() { // ends with the pool, and Stop ends its patience
			r.pool.Retire(ctx)
			s.files.Remove(r.files)
			cancel()
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.gone, r.pool)
		})
	}
}
