package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/devreload"
	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

// Reload reads the configuration again and puts it in force, with new code of all
// apps, or of one. A configuration with a problem changes nothing. What went wrong
// is in the log as well.
func (s *serving) Reload(ctx context.Context, app string) error {
	defer s.manager.Reloading()()
	bad := false
	err := s.srv.Reload(ctx, func() (*config.Config, error) {
		cfg, _, err := config.Load(s.in)
		s.failures.Config(err)
		if err != nil {
			bad = true
			s.log.Error("reload_failed", "message", "the configuration has problems; nothing was changed", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
			return nil, err
		}
		for _, w := range cfg.Warnings {
			s.log.Warn("config", "message", w)
		}
		return cfg, nil
	}, app)
	if err != nil && ctx.Err() == nil && !bad && !errors.As(err, new(*supervisor.ReloadFailed)) && !errors.As(err, new(*config.RestartNeeded)) { // which have their records
		s.log.Error("reload_failed", "error", err)
	}
	return err
}

// unasked are the reloads that nobody waits for, by app; empty: of all.
type unasked struct {
	mu  sync.Mutex
	all map[string]*asked
}

type asked struct{ again bool }

// reloadUnasked reloads for a signal or a file: nobody waits for the end. One that
// comes while another of the same app is under way follows it, and stands for all
// that come until then.
func (s *serving) reloadUnasked(app, why string) {
	reloaded := s.manager.Reloading() // even if it is the same as one that waits: systemd awaits an answer to each signal
	u := &s.unasked
	u.mu.Lock()
	defer u.mu.Unlock()
	s.log.Info("reload", "reason", why, "app", app)
	if a := u.all[app]; a != nil {
		a.again = true
		reloaded()
		return
	}
	if u.all == nil {
		u.all = map[string]*asked{}
	}
	u.all[app] = &asked{again: true}
	go func() { // ends with the pools
		defer reloaded()
		for u.next(app) {
			_ = s.Reload(context.Background(), app) // told
		}
	}()
}

// next reports whether the app is to be reloaded once more; if not, the next one
// who asks begins anew.
func (u *unasked) next(app string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	a := u.all[app]
	if !a.again {
		delete(u.all, app)
		return false
	}
	a.again = false
	return true
}

// resize adds workers to each app, or takes them away.
func (s *serving) resize(by int) {
	for _, p := range s.srv.Pools() {
		if n := p.Stats().Workers + by; n > 0 {
			_, _ = p.Resize(n) // fails when it is stopping
		}
	}
}

// touchTick is how often files of touch_reload are looked at.
const touchTick = time.Second

// watchReleases tells when the folder is removed that a generation was made from, until
// ctx ends.
func (s *serving) watchReleases(ctx context.Context) {
	tick := time.NewTicker(touchTick)
	defer tick.Stop()
	gone := map[string]string{} // app -> release of which it was told
	for {
		for _, p := range s.srv.Pools() {
			st := p.Stats()
			switch is := process.ReleaseGone(st.Release); {
			case !is:
				delete(gone, st.App)
			case gone[st.App] != st.Release:
				gone[st.App] = st.Release
				s.log.Warn("release_gone", "app", st.App, "gen", st.Generation, "release", st.Release,
					"message", "the folder that this generation was made from does not exist any more: a worker that ends cannot be replaced; reload makes a generation of what is there now")
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// touched is what a file of touch_reload was when it was looked at.
type touched struct {
	at   int64  // of its change, Unix nanoseconds; 0: it is not there
	real string // where it is: links may lead elsewhere
}

// watchTouched reloads an app when a file that it names has changed, until ctx ends.
func (s *serving) watchTouched(ctx context.Context) {
	tick := time.NewTicker(touchTick)
	defer tick.Stop()
	seen := map[string]touched{}
	for first := true; ; first = false {
		cfg := s.srv.Config()
		for i := range cfg.Apps {
			a := &cfg.Apps[i]
			for _, path := range a.Life.TouchReload {
				is := touched{real: process.RealPath(path)}
				if st, err := os.Stat(path); err == nil {
					is.at = st.ModTime().UnixNano()
				}
				was, known := seen[a.Name+"\x00"+path]
				seen[a.Name+"\x00"+path] = is
				if known && !first && is.at != 0 && is != was {
					s.reloadUnasked(a.Name, "touched "+path)
				}
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// watchFiles watches what reloads an app when it changes, until stop is called.
func (s *serving) watchFiles(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.watchTouched(ctx) })
	wg.Go(func() { s.watchReleases(ctx) })
	wg.Go(func() { s.watchReady(ctx) })
	if s.dev != nil {
		wg.Go(func() {
			if err := s.dev.Run(ctx); err != nil {
				s.log.Error("no_watch", "error", err, "message", "files cannot be watched: nothing is reloaded when one changes")
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

// newDevReload returns what reloads the apps with reload set when a file of theirs
// changes; nil: there are none. What apps a later configuration adds are not watched.
func (s *serving) newDevReload() *devreload.Watcher {
	var apps []devreload.App
	for i := range s.cfg.Apps {
		a := &s.cfg.Apps[i]
		if !a.Life.Reload {
			continue
		}
		files := a.EnvFile
		if s.cfg.File != "" {
			files = append([]string{s.cfg.File}, files...)
		}
		apps = append(apps, devreload.App{Name: a.Name, Dir: a.Dir, Files: files})
	}
	if apps == nil {
		return nil
	}
	limiter := &httpx.LogLimiter{Every: time.Minute}
	return devreload.New(apps, s.reloadUnasked, func(err error) {
		if limiter.Allow("", time.Now()) {
			s.log.Warn("no_watch", "error", err)
		}
	})
}
