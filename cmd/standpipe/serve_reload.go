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
)

// Reload reads the configuration again and puts it in force, with new code of all
// apps, or of one. A configuration with a problem changes nothing. What went wrong
// is in the log as well.
func (s *serving) Reload(ctx context.Context, app string) error {
	defer s.manager.Reloading()()
	cfg, _, err := config.Load(s.in)
	s.failures.Config(err)
	if err != nil {
		s.log.Error("reload_failed", "message", "the configuration has problems; nothing was changed", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
		return err
	}
	for _, w := range cfg.Warnings {
		s.log.Warn("config", "message", w)
	}
	err = s.srv.Reload(ctx, cfg, app)
	if err != nil && !errors.As(err, new(*supervisor.ReloadFailed)) { // which has its record
		s.log.Error("reload_failed", "error", err)
	}
	return err
}

// reloadUnasked reloads for a signal or a file: nobody waits for the end. Reloads
// follow one another; those that come while one waits already are the same.
func (s *serving) reloadUnasked(app, why string) {
	reloaded := s.manager.Reloading() // even if it is the same as one that waits: systemd awaits an answer to each signal
	if s.reloading.Add(1) > 2 {
		s.reloading.Add(-1)
		reloaded()
		return
	}
	s.log.Info("reload", "reason", why, "app", app)
	go func() { // ends with the pools
		defer reloaded()
		defer s.reloading.Add(-1)
		_ = s.Reload(context.Background(), app) // told
	}()
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

// watchTouched reloads an app when a file that it names has changed, until ctx ends.
func (s *serving) watchTouched(ctx context.Context) {
	tick := time.NewTicker(touchTick)
	defer tick.Stop()
	seen := map[string]time.Time{}
	for first := true; ; first = false {
		cfg := s.srv.Config()
		for i := range cfg.Apps {
			a := &cfg.Apps[i]
			for _, path := range a.TouchReload {
				var at time.Time // of a file that is not there
				if st, err := os.Stat(path); err == nil {
					at = st.ModTime()
				}
				was, known := seen[a.Name+"\x00"+path]
				seen[a.Name+"\x00"+path] = at
				if known && !first && !at.IsZero() && !at.Equal(was) {
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
		if !a.Reload {
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
	seldom := &httpx.Seldom{Every: time.Minute}
	return devreload.New(apps, s.reloadUnasked, func(err error) {
		if seldom.Allow("", time.Now()) {
			s.log.Warn("no_watch", "error", err)
		}
	})
}
