package compose

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor"
)

// sites are the site that is served, and how another one takes its place.
type sites struct {
	parts   *parts
	started *config.Config      // of the start: what a reload does not change is as it says
	limits  func(listen.Limits) // puts those of a new site in force
	tls     *Certificates       // nil: no address speaks HTTPS

	current atomic.Pointer[site]
	busy    chan struct{} // capacity 1: held by the reload that is under way
	running sync.WaitGroup

	mu   sync.Mutex
	gone map[*supervisor.Pool]context.CancelFunc // pools of removed apps, and what ends the wait for their requests
}

func newSites(p *parts, cfg *config.Config) *sites {
	return &sites{parts: p, started: cfg, busy: make(chan struct{}, 1), gone: map[*supervisor.Pool]context.CancelFunc{}}
}

// first makes the first site.
func (s *sites) first(cfg *config.Config) error {
	t := s.plan(cfg.Released(), nil)
	if err := t.assemble(s.parts); err != nil {
		return err
	}
	s.parts.upstreams.begin()
	s.current.Store(t)
	return nil
}

// at serves the current site at an address of the start, by its index.
func (s *sites) at(i int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.current.Load().handlers[i].ServeHTTP(w, r) })
}

// refused answers requests that are none, with the pages of the current site.
func (s *sites) refused() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.current.Load().refused.ServeHTTP(w, r) })
}

func (s *sites) pools() []*supervisor.Pool {
	runs := s.current.Load().runs
	pools := make([]*supervisor.Pool, len(runs))
	for i, r := range runs {
		pools[i] = r.pool
	}
	return pools
}

// start starts the workers.
func (s *sites) start() {
	t := s.current.Load()
	s.parts.static.Open(t.cfg, t.folders())
	s.parts.traces.use(t.exporter)
	t.startGroups()
	for _, r := range t.runs {
		s.parts.static.Add(r.files)
		r.pool.Start()
	}
}

// plan pairs the apps of cfg with the pools of old (nil: none), and makes those that are
// missing. They are not started.
func (s *sites) plan(cfg *config.Config, old *site) *site {
	next := &site{cfg: cfg, listen: s.started.Reloaded(cfg), limits: countedBy(cfg, old)}
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		r := run{app: a}
		if was := old.run(a.Name); was != nil {
			r.pool, r.files = was.pool, was.files
		} else {
			r.pool, r.files = supervisor.New(s.parts.poolOptions(cfg, a)), s.parts.static.NewApp(cfg, a)
		}
		next.runs = append(next.runs, r)
	}
	return next
}

// reload puts a configuration in force, and new code: each of its apps that was there before
// boots beside its old workers, which serve until the new ones are ready. An app that cannot
// boot keeps its previous version, settings included, and its error is returned; a new one
// is not added then. Settings that cannot change while the server runs are named in a
// record, and by a *config.RestartNeeded if nothing failed. Requests under way are not
// touched.
//
// only names the one app that is reloaded; empty: all, and apps come and go. When ctx ends
// first its error is returned, and the reload continues. load is called when no other reload
// is under way, so that the last reload reads the last configuration.
func (s *sites) reload(ctx context.Context, load func() (*config.Config, error), only string) error {
	done := make(chan error, 1)
	s.running.Go(func() { // ends with the pools at the latest
		select {
		case s.busy <- struct{}{}:
			defer func() { <-s.busy }()
		case <-s.parts.stop.begun:
			done <- errStopping
			return
		}
		cfg, err := load()
		if err == nil {
			err = s.replace(cfg, only)
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

// replace is reload, one at a time.
func (s *sites) replace(cfg *config.Config, only string) error {
	old := s.current.Load()
	if s.parts.stop.hasBegun() {
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
	next := s.plan(cfg, old)
	if err := next.assemble(s.parts); err != nil { // before anything is started
		return err
	}
	var secure *tlsPlan
	if only == "" {
		var err error
		if secure, err = s.tls.plan(cfg, next.listen); err != nil {
			return err
		}
	}
	errs := s.boot(next, old, only)
	failed := errors.Join(errs...)
	if failed != nil { // apps that failed keep their previous version
		moved := only == "" && slices.Contains(errs, nil)
		var err error
		if next, err = s.without(next, old, errs, moved); err != nil {
			return err
		}
	}
	s.putInForce(next, old, secure)
	if failed != nil {
		return failed
	}
	if fixed := s.started.Fixed(next.cfg); len(fixed) > 0 {
		return &config.RestartNeeded{Settings: fixed}
	}
	return nil
}

// recode reloads one app. Its boot is not under busy: apps do not wait for each other, and the next recode of this one ends it.
func (s *sites) recode(ctx context.Context, load func() (*config.Config, error), app string) error {
	cfg, err := load()
	if err != nil {
		return err
	}
	cfg = cfg.Released()
	old := s.current.Load()
	was, merged := old.run(app), with(old.cfg, cfg, app)
	if was == nil || merged == nil {
		return fmt.Errorf("%w: %q", errNoApp, app)
	}
	a := &merged.Apps[slices.IndexFunc(merged.Apps, func(a config.App) bool { return a.Name == app })]
	o := s.parts.poolOptions(merged, a)
	was.files.Expect(merged, a)
	if err := was.pool.Reload(ctx, &o); err != nil {
		if !errors.Is(err, supervisor.ErrSuperseded) {
			was.files.Expect(old.cfg, was.app)
		}
		return err
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-s.parts.stop.begun:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
	old = s.current.Load()
	if merged = with(old.cfg, cfg, app); merged == nil {
		return fmt.Errorf("%w: %q", errNoApp, app)
	}
	next := s.plan(merged, old)
	if err := next.assemble(s.parts); err != nil {
		return err
	}
	s.putInForce(next, old, nil)
	if _, stored := next.cached()[app]; stored {
		s.parts.cache.forget([]string{app}) // of the code before
	}
	return nil
}

// putInForce has next take the place of old.
func (s *sites) putInForce(next, old *site, secure *tlsPlan) {
	s.parts.static.Open(next.cfg, next.folders())
	s.parts.static.Clear()
	s.current.Store(next)
	next.access.opening.InForce()
	s.tls.apply(secure)
	s.settle(old, next)
}

// boot starts the new apps of next and reloads the others, or only one. It returns the error
// of each app when all have booted or failed.
func (s *sites) boot(next, old *site, only string) []error {
	errs := make([]error, len(next.runs))
	var wg sync.WaitGroup
	for i, r := range next.runs {
		was := old.run(r.app.Name)
		switch {
		case was == nil:
			s.parts.static.Add(r.files)
			wg.Go(func() {
				if errs[i] = s.begin(r.pool); errs[i] != nil {
					s.parts.static.Remove(r.files)
				}
			})
		case only == "" || only == r.app.Name:
			o := s.parts.poolOptions(next.cfg, r.app)
			r.files.Expect(next.cfg, r.app)
			wg.Go(func() { // ends with the pool
				err := r.pool.Reload(context.Background(), &o)
				if errors.Is(err, supervisor.ErrSuperseded) { // by a recode, which has its result: a reload of all that failed for it would be made again, and end that one
					return
				}
				if errs[i] = err; err != nil {
					r.files.Expect(old.cfg, was.app)
				}
			})
		}
	}
	wg.Wait()
	return errs
}

// begin starts a new app and waits until it serves, or cannot.
func (s *sites) begin(p *supervisor.Pool) error {
	p.Start()
	err := errStopping
	select {
	case <-p.Up():
		return nil
	case <-p.Down():
		err = p.Failure()
	case <-s.parts.stop.begun:
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // it serves no request
	p.Stop(ctx, supervisor.Shutdown)
	return fmt.Errorf("app %q did not start: %w", p.App(), err)
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

// without is next with each app that failed as it was before. moved: an app is new.
func (s *sites) without(next, old *site, errs []error, moved bool) (*site, error) {
	cfg := *next.cfg
	cfg.Apps = nil
	kept := &site{cfg: &cfg, listen: next.listen, limits: next.limits}
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
	if !moved { // the old releases still serve, and so do the files that were in force with them
		config.KeepFiles(&cfg, old.cfg)
	}
	return kept, kept.assemble(s.parts)
}

// settle ends what next does not have any more, and writes a record of what it could not
// change.
func (s *sites) settle(old, next *site) {
	if end := s.parts.traces.use(next.exporter); end != nil {
		s.running.Go(end) // ends after two seconds
	}
	old.stopGroups()
	next.startGroups()
	s.parts.upstreams.keep(next.groups)
	old.access.close()
	s.limits(paceOf(next.cfg))
	s.parts.log.SetLevel(hclog.LevelFromString(next.cfg.Logs.Level))
	if fixed := s.started.Fixed(next.cfg); len(fixed) > 0 { // which the last reload may have found too
		s.parts.log.Warn("restart_needed", "settings", strings.Join(fixed, ", "), "message", "these settings have changed in the configuration and are in force after a restart only")
	}
	for _, r := range old.runs {
		if next.run(r.app.Name) == nil {
			s.retire(r)
		}
	}
	if names := uncached(old, next); len(names) > 0 {
		s.running.Go(func() { s.parts.cache.forget(names) }) // ends after purgeTime
	}
}

// retire ends an app that was removed, when its requests are answered.
func (s *sites) retire(r run) {
	ctx, cancel := context.WithCancel(context.Background())
	if d := r.app.Life.DrainTimeout; d > 0 {
		ctx, cancel = context.WithTimeout(context.Background(), d)
	}
	s.mu.Lock()
	s.gone[r.pool] = cancel
	s.mu.Unlock()
	s.parts.log.Info("app_removed", "app", r.app.Name)
	s.running.Go(func() { // ends with the pool; hurry ends the wait
		r.pool.Retire(ctx)
		s.parts.static.Remove(r.files)
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.gone, r.pool)
	})
}

// hurry ends the wait for the requests of removed apps.
func (s *sites) hurry() {
	s.mu.Lock()
	for _, cancel := range s.gone {
		cancel()
	}
	s.mu.Unlock()
}

// wait waits until no reload is under way and no app retires, and ends what is about
// upstreams.
func (s *sites) wait() {
	s.running.Wait()
	s.current.Load().stopGroups()
	s.parts.upstreams.keep(nil)
	s.current.Load().access.close()
}

// kill ends all workers at once.
func (s *sites) kill() {
	for _, p := range s.pools() {
		p.Kill()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.gone {
		p.Kill()
	}
}
