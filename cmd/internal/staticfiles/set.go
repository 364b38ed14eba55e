package staticfiles

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/compress"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor"
)

// Set has the static folders of all apps and of [[static]], over reloads.
type Set struct {
	log     hclog.Logger
	banner  bool          // people read the folders of the start in the banner
	cache   *static.Cache // of all files
	encoder *compress.Encoder

	mu    sync.Mutex
	apps  map[string]*App
	hosts map[string]*static.Mounts // of [[static]] by its hosts, and of routes
}

// New returns a Set without folders. banner: a banner shows the folders of the first
// generation, so no record does.
func New(cfg *config.Config, log hclog.Logger, banner bool) *Set {
	return &Set{
		log: log, banner: banner, cache: static.NewCache(cfg.Files.Cache, idleFiles(cfg)), encoder: compress.NewEncoder(compress.Thorough),
		apps: map[string]*App{}, hosts: map[string]*static.Mounts{},
	}
}

// idleFiles is how many file descriptors are kept open for reuse: a few beside those of the
// clients.
func idleFiles(cfg *config.Config) int { return min(max(cfg.Limits.MaxConns/16, 64), 4096) }

// NewApp returns the folders of an app. They are not opened before Add.
func (s *Set) NewApp(cfg *config.Config, a *config.App) *App {
	return &App{name: a.Name, set: s, app: a, cfg: cfg, places: &static.Mounts{Cache: s.cache, Log: s.log}}
}

// Add opens what the configuration names for an app, before any worker is ready.
func (s *Set) Add(f *App) {
	s.mu.Lock()
	s.apps[f.name] = f
	s.mu.Unlock()
	f.open()
}

// Remove closes the folders of an app.
func (s *Set) Remove(f *App) {
	s.mu.Lock()
	delete(s.apps, f.name)
	s.mu.Unlock()
	f.places.Close()
}

// Event takes from a ready worker the folders that its app declares. It is a subscriber of
// supervisor events, and comes before those who print the folders.
func (s *Set) Event(e supervisor.Event) {
	ready, ok := e.(supervisor.WorkerReady)
	if !ok {
		return
	}
	s.mu.Lock()
	f := s.apps[ready.App]
	s.mu.Unlock()
	if f != nil {
		f.declare(ready.Generation, ready.Ready)
	}
}

// Clear empties the cache of files, after a reload.
func (s *Set) Clear() { s.cache.Clear() }

// Server lists the folders of [[static]].
func (s *Set) Server(cfg *config.Config) []Folder {
	var list []Folder
	for i := range cfg.Static {
		f := &cfg.Static[i]
		url := strings.TrimSuffix(strings.Join(append(slices.Clone(f.Hosts), f.URL), " "), "/") + "/"
		list = append(list, Folder{URL: url, Dir: f.Dir, How: "configured", Trouble: static.Unusable(f.Dir, static.Owner{})})
	}
	return list
}

// AppStage serves the files of an app in front of it.
func (s *Set) AppStage(cfg *config.Config, f *App, pages *httpx.Pages) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return static.New(s.options(cfg, f.name, f.places, next, pages)) }
}

func (s *Set) options(cfg *config.Config, app string, places *static.Mounts, next http.Handler, pages *httpx.Pages) static.Options {
	return static.Options{
		App: app, Mounts: places, Next: next, Cache: s.cache, Encoder: s.encoder, Codings: cfg.Files.CompressCodings, Types: cfg.Files.MediaTypes(),
		MinSize: cfg.Files.CompressMin, Pages: pages, Log: s.log,
	}
}
