package devreload

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

// App is what is watched for one app.
type App struct {
	Name string
	// Dir is searched for templates; absolute.
	Dir string
	// Files are watched besides: the configuration, env_file; absolute.
	Files []string
}

// Watcher collects the modules' files that workers name, and watches.
type Watcher struct {
	apps   []App
	reload func(app, path string)
	warn   func(err error)

	mu    sync.Mutex
	real  map[string]string          // app -> its Dir with its links resolved; Run alone changes it
	files map[string]map[string]bool // path -> apps
	fails map[string]int             // app -> its generation that did not boot
	fresh []string                   // folders that are not watched yet
	woken chan struct{}              // capacity 1: there are fresh ones
}

// Folders beyond this many are not watched: somebody has started it in "/".
const maxFolders = 4000

// settle is how long nothing more must change before the app is reloaded: an editor
// or a checkout writes more than once.
const settle = 150 * time.Millisecond

// New returns a watcher. reload is called when something has changed; warn gets
// what could not be watched, seldom.
func New(apps []App, reload func(app, path string), warn func(error)) *Watcher {
	w := &Watcher{apps: apps, reload: reload, warn: warn, real: map[string]string{}, files: map[string]map[string]bool{}, fails: map[string]int{}, woken: make(chan struct{}, 1)}
	for _, a := range apps {
		for _, f := range a.Files {
			w.add(a.Name, f)
		}
		for dir := filepath.Clean(a.Dir); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if st, err := os.Lstat(dir); err == nil && st.Mode()&fs.ModeSymlink != 0 {
				w.add(a.Name, dir) // a deployment points it elsewhere
			}
		}
	}
	return w
}

// Event takes the files that a worker names, and notes what cannot boot: a file of
// which nobody knows yet may be what is wrong with it. A nil Watcher takes nothing.
func (w *Watcher) Event(e supervisor.Event) {
	if w == nil {
		return
	}
	switch e := e.(type) {
	case supervisor.BootFailure:
		w.failed(e.Who)
	case supervisor.ReloadFailed:
		w.failed(e.Who)
	case supervisor.WorkerReady:
		w.mu.Lock()
		if e.Generation >= w.fails[e.App] {
			delete(w.fails, e.App)
		}
		w.mu.Unlock()
	case supervisor.ShimLog:
		if e.Record.Event == "modules" {
			w.modules(e)
		}
	}
}

func (w *Watcher) failed(who supervisor.Who) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails[who.App] = who.Generation
}

func (w *Watcher) modules(log supervisor.ShimLog) {
	for i := 0; i+1 < len(log.Record.Pairs); i += 2 {
		if log.Record.Pairs[i] == "files" {
			for path := range strings.SplitSeq(log.Record.Pairs[i+1], "\n") {
				if filepath.IsAbs(path) {
					w.add(log.App, path)
				}
			}
		}
	}
}

func (w *Watcher) add(app, path string) {
	path = filepath.Clean(path)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.files[path] == nil {
		w.files[path] = map[string]bool{}
		w.fresh = append(w.fresh, filepath.Dir(path))
		select {
		case w.woken <- struct{}{}:
		default:
		}
	}
	w.files[path][app] = true
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer notify.Close()
	watched := map[string]bool{}
	watch := func(dir string) {
		if watched[dir] || len(watched) >= maxFolders {
			return
		}
		watched[dir] = true
		if err := notify.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.warn(err)
		}
	}
	resolve := func() {
		for _, a := range w.apps {
			real := process.RealPath(a.Dir)
			w.mu.Lock()
			was := w.real[a.Name]
			w.real[a.Name] = real
			w.mu.Unlock()
			if was == real {
				continue
			}
			folders(real, watch)
			var moved []string // names that lead elsewhere now
			for dir := range watched {
				if was != "" && (dir == a.Dir || strings.HasPrefix(dir, a.Dir+string(filepath.Separator))) && dir != process.RealPath(dir) {
					moved = append(moved, dir)
				}
			}
			for _, dir := range moved {
				_ = notify.Remove(dir) // fails where the folder was removed
				delete(watched, dir)
				watch(dir)
			}
		}
	}
	resolve()
	pending := map[string]string{} // app -> what changed
	var quiet <-chan time.Time
	for {
		select {
		case <-w.woken:
			w.mu.Lock()
			fresh := w.fresh
			w.fresh = nil
			w.mu.Unlock()
			for _, dir := range fresh {
				watch(dir)
			}
		case e, ok := <-notify.Events:
			if !ok {
				return nil
			}
			if e.Op == fsnotify.Chmod {
				continue
			}
			if st, err := os.Stat(e.Name); err == nil && st.IsDir() && e.Has(fsnotify.Create) {
				folders(e.Name, watch)
			}
			for _, app := range w.of(e.Name) {
				pending[app] = e.Name
				quiet = time.After(settle)
			}
		case err := <-notify.Errors:
			w.warn(err)
		case <-quiet:
			quiet = nil
			resolve()
			for app, path := range pending {
				w.reload(app, path)
			}
			clear(pending)
		case <-ctx.Done():
			return nil
		}
	}
}

// of names the apps that a file belongs to.
func (w *Watcher) of(path string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var apps []string
	for _, a := range w.apps {
		_, fails := w.fails[a.Name]
		beneath := strings.HasPrefix(path, strings.TrimSuffix(w.real[a.Name], string(filepath.Separator))+string(filepath.Separator))
		if w.files[path][a.Name] || beneath && (isTemplate(path) || fails && filepath.Ext(path) == ".py") {
			apps = append(apps, a.Name)
		}
	}
	return apps
}

var templates = map[string]bool{".html": true, ".htm": true, ".jinja": true, ".jinja2": true, ".j2": true, ".mako": true, ".djhtml": true}

func isTemplate(path string) bool {
	ext := filepath.Ext(path)
	return templates[ext] || (ext == ".txt" || ext == ".xml") && strings.Contains(path, string(filepath.Separator)+"templates"+string(filepath.Separator))
}

// folders calls watch for dir and the folders beneath it that may hold templates.
func folders(dir string, watch func(string)) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // what cannot be read is not watched
		}
		if path != dir {
			name := d.Name()
			if strings.HasPrefix(name, ".") || name == "node_modules" || name == "__pycache__" || name == "site-packages" {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "pyvenv.cfg")); err == nil {
				return fs.SkipDir
			}
		}
		watch(path)
		return nil
	})
}
