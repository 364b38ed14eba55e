package compose

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/devpage"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/devreload"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// Development is what the development mode adds.
type Development struct {
	Hold  *devreload.Hold // requests wait while code changes
	Files *devpage.Files  // browsers load pages again when files change; nil: they do not
	sites *sites
}

// newHold makes the Hold of the apps that are reloaded when their code changes; nil: outside of the development mode.
func newHold(cfg *config.Config, log *logfile.Log) *devreload.Hold {
	if !cfg.Dev.On {
		return nil
	}
	return devreload.NewHold(WatchedApps(cfg), func(app, path string) {
		log.Warn("restless_file", "app", app, "path", path)
	})
}

// WatchedApps are the apps with reload set, and the files that concern them beside their modules.
func WatchedApps(cfg *config.Config) (apps []devreload.App) {
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		if !a.Life.Reload {
			continue
		}
		files := a.EnvFile[:len(a.EnvFile):len(a.EnvFile)]
		if cfg.File != "" {
			files = append(files, cfg.File)
		}
		if cfg.Dev.On { // apps read them by themselves
			files = append(files, filepath.Join(a.Dir, ".env"), filepath.Join(a.Dir, ".flaskenv"))
		}
		apps = append(apps, devreload.App{Name: a.Name, Dir: a.Dir, Files: files})
	}
	return apps
}

// hold is the stage in which requests of an app wait for its present code; nil: there is none.
func (p *parts) hold(a *config.App, pages *httpx.Pages) func(http.Handler) http.Handler {
	if p.code == nil || !a.Life.Reload {
		return nil
	}
	name := a.Name
	return chain.Hold(chain.HoldOptions{
		Await: func(ctx context.Context) error { return p.code.Await(ctx, name) },
		Fail: func(w http.ResponseWriter, r *http.Request, err error) {
			if text := p.errorPages.Write(w, r, bootReport(name, err)); text != "" {
				pages.Write(w, r, http.StatusServiceUnavailable, "The application is not running: its present code does not start. "+text, 0)
			}
		},
	})
}

// Reload loads the present code of an app, and the configuration, as sites.reload does for one app. It ends a Reload of
// the same app that is under way, which returns supervisor.ErrSuperseded, and waits for no reload of another app. It returns when the new code
// takes all requests.
func (d *Development) Reload(ctx context.Context, load func() (*config.Config, error), app string) error {
	return d.sites.recode(ctx, load, app)
}

// FileChanged has browsers load a changed file again: the present one, not what is kept of it in memory.
func (d *Development) FileChanged(path string) {
	d.sites.parts.static.Clear()
	d.Files.Changed(path)
}
