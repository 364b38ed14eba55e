package run

import (
	"context"
	"os"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/devreload"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

// watchers observe files, releases and readiness while the server serves.
type watchers struct {
	product *compose.Server
	log     *logfile.Log
	reload  func(app, reason, path string) // in the background
	touched *touchWatch                    // it has looked before an app was loaded
	dev     *devreload.Watcher             // nil: no app is reloaded when its code changes

	hold    *devreload.Hold                                   // requests wait while code changes; nil: they do not
	changed func(ctx context.Context, app, path string) error // reloads an app of hold

	group *group // nil: not started
	code  *group // that observe code; nil: not started
}

const (
	touchTick = time.Second // between two looks at the files of touch_reload and at release folders
	readyTick = 500 * time.Millisecond
	// certificateTick is half of the time after which a file that has changed is read.
	certificateTick = 500 * time.Millisecond
	accessTick      = 500 * time.Millisecond // likewise
)

// start starts one goroutine for each of them; stop ends them and waits.
func (w *watchers) start(ctx context.Context) {
	w.group = newGroup(ctx)
	w.group.start(every(touchTick, func() {
		cfg := w.product.Config()
		for _, t := range w.touched.look(cfg.Apps) {
			w.reload(t.app, "touched", t.path)
		}
	}))
	releases := &releaseWatch{log: w.log}
	w.group.start(every(touchTick, func() {
		for _, p := range w.product.Pools() {
			releases.look(p.Stats(), process.ReleaseGone)
		}
	}))
	readiness := &readinessWatch{log: w.log}
	w.group.start(every(readyTick, func() {
		if !w.product.IsStopping() { // the records of the stop tell
			readiness.look(w.stats(), time.Now())
		}
	}))
	w.group.start(every(certificateTick, func() { w.product.Certificates.Look(time.Now()) }))
	w.group.start(every(accessTick, func() { w.product.Access.Look(time.Now()) }))
	w.startCode(ctx)
}

// startCode starts those that observe code. In the development mode they observe during the start as well.
func (w *watchers) startCode(ctx context.Context) {
	if w.dev == nil || w.code != nil {
		return
	}
	w.code = newGroup(ctx)
	if w.hold != nil {
		w.code.start(func(ctx context.Context) { w.hold.Run(ctx, w.changed) })
	}
	w.code.start(func(ctx context.Context) {
		err := w.dev.Run(ctx)
		switch {
		case err == nil:
		case w.hold != nil:
			w.log.Warn("no_watch", "error", err, "message", "the file system tells no changes: files are looked at once a second and at each request; new templates and new modules are not seen")
		default:
			w.log.Error("no_watch", "error", err, "message", "files cannot be watched: no change of a file reloads an app")
		}
	})
}

func (w *watchers) stop() {
	if w.code != nil {
		w.code.close()
	}
	if w.group != nil {
		w.group.close()
	}
}

// stats are those of all pools, with what the readiness checks say.
func (w *watchers) stats() (list []readyStats) {
	for _, p := range w.product.Pools() {
		ready, _ := w.product.Ready(p.App())
		list = append(list, readyStats{p.Stats(), ready})
	}
	return list
}

// every is an actor that calls look at once and then after each tick.
func every(d time.Duration, look func()) func(ctx context.Context) {
	return func(ctx context.Context) {
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			look()
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// touchWatch finds changes of the files that touch_reload names.
type touchWatch struct {
	seen map[touch]touchState // nil: nothing was looked at yet
}

// newTouchWatch returns one that has looked: a file that is touched while the apps are loaded has changed.
func newTouchWatch(apps []config.App) *touchWatch {
	t := &touchWatch{}
	t.look(apps)
	return t
}

// touch is a file that reloads an app.
type touch struct{ app, path string }

// touchState is what a file was when it was looked at.
type touchState struct {
	at   int64  // of its change, Unix nanoseconds; 0: it does not exist
	real string // its path with links resolved: they may lead elsewhere
}

// look returns the files that have changed since the last look. A file that is new in the
// configuration has not.
func (t *touchWatch) look(apps []config.App) (changed []touch) {
	if t.seen == nil {
		t.seen = map[touch]touchState{}
	}
	for i := range apps {
		for _, path := range apps[i].Life.TouchReload {
			key := touch{apps[i].Name, path}
			is := touchState{real: process.RealPath(path)}
			if st, err := os.Stat(path); err == nil {
				is.at = st.ModTime().UnixNano()
			}
			was, known := t.seen[key]
			t.seen[key] = is
			if known && is.at != 0 && is != was {
				changed = append(changed, key)
			}
		}
	}
	return changed
}

// releaseWatch warns when the folder is removed that a generation was made from.
type releaseWatch struct {
	log  *logfile.Log
	told map[string]string // app -> release of the last warning
}

func (r *releaseWatch) look(st supervisor.Stats, gone func(release string) bool) {
	if r.told == nil {
		r.told = map[string]string{}
	}
	switch {
	case !gone(st.Release):
		delete(r.told, st.App)
	case r.told[st.App] != st.Release:
		r.told[st.App] = st.Release
		r.log.Warn("release_gone", "app", st.App, "gen", st.Generation, "release", st.Release,
			"message", "the folder that this generation was made from does not exist any more: a worker that exits cannot be replaced; a reload makes a generation of the present folder")
	}
}

// newDevReload returns what reloads the apps with reload set when a file of theirs changes;
// nil: there are none. Apps that a later configuration adds are not watched.
func newDevReload(cfg *config.Config, log *logfile.Log, reload func(app, reason, path string)) *devreload.Watcher {
	apps := compose.WatchedApps(cfg)
	if apps == nil {
		return nil
	}
	limiter := &httpx.LogLimiter{Every: time.Minute}
	changed := func(app, path string) { reload(app, "changed", path) }
	return devreload.New(apps, changed, func(err error) {
		if limiter.Allow("", time.Now()) {
			log.Warn("no_watch", "error", err)
		}
	})
}
