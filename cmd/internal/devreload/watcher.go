package devreload

import (
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/standpipe/standpipe/supervisor"
)

// App is what is watched for one app.
type App struct {
	Name string
	// Dir is searched for templates; absolute.
	Dir string
	// Files are watched besides: the configuration, env_file; absolute.
	Files []string
}

// Watcher collects the files of modules that workers report, and observes them.
type Watcher struct {
	apps   []App
	reload func(app, path string)
	warn   func(err error)
	file   func(path string) // gets files that browsers load and that have changed; nil: nothing does
	hold   *Hold             // of the apps whose requests wait; nil: there are none

	mu     sync.Mutex
	real   map[string]string          // app -> its Dir with links resolved; only Run changes it
	files  map[string]map[string]bool // path -> apps
	failed map[string]int             // app -> its generation that did not boot
	fresh  []string                   // folders that are not observed yet
	woken  chan struct{}              // capacity 1: there are fresh ones
}

// New returns a Watcher. reload is called with the file that has changed; warn gets the
// errors of folders that cannot be observed.
func New(apps []App, reload func(app, path string), warn func(error)) *Watcher {
	w := &Watcher{apps: apps, reload: reload, warn: warn, real: map[string]string{}, files: map[string]map[string]bool{}, failed: map[string]int{}, woken: make(chan struct{}, 1)}
	for _, a := range apps {
		for _, f := range a.Files {
			w.add(a.Name, f)
		}
		for dir := filepath.Clean(a.Dir); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if st, err := os.Lstat(dir); err == nil && st.Mode()&fs.ModeSymlink != 0 {
				w.add(a.Name, dir) // a deployment changes the link
			}
		}
	}
	return w
}

// Tell has the Watcher tell hold, in place of reload, about changes of its apps. It is called before Run.
func (w *Watcher) Tell(hold *Hold) { w.hold = hold }

// TellFiles has the Watcher tell file about changed files below the apps' folders that browsers load: styles, scripts, pictures. It is
// called before Run.
func (w *Watcher) TellFiles(file func(path string)) { w.file = file }

// project is the app of hold; nil: its changes are for reload.
func (w *Watcher) project(app string) *project {
	if w.hold == nil {
		return nil
	}
	return w.hold.apps[app]
}

// Event takes the files that a worker reports, and notes which apps do not boot: the cause
// may be in a file that no worker has reported yet. It is a subscriber of supervisor
// events. A nil Watcher does nothing.
func (w *Watcher) Event(e supervisor.Event) {
	if w == nil {
		return
	}
	switch e := e.(type) {
	case supervisor.BootFailure:
		w.fail(e.Who)
	case supervisor.ReloadFailed:
		w.fail(e.Who)
	case supervisor.WorkerReady:
		w.mu.Lock()
		if e.Generation >= w.failed[e.App] {
			delete(w.failed, e.App)
		}
		w.mu.Unlock()
	case supervisor.ShimLog:
		for path := range modules(e) {
			w.add(e.App, path)
		}
	}
}

func (w *Watcher) fail(who supervisor.Who) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed[who.App] = who.Generation
}

// modules are the files of modules that a record of the shim names.
func modules(log supervisor.ShimLog) iter.Seq[string] {
	return func(yield func(string) bool) {
		if log.Record.Event != "modules" {
			return
		}
		for i := 0; i+1 < len(log.Record.Pairs); i += 2 {
			if log.Record.Pairs[i] != "files" {
				continue
			}
			for path := range strings.SplitSeq(log.Record.Pairs[i+1], "\n") {
				if filepath.IsAbs(path) && !yield(filepath.Clean(path)) {
					return
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

// takeFresh returns the folders that are not observed yet.
func (w *Watcher) takeFresh() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	fresh := w.fresh
	w.fresh = nil
	return fresh
}

// resolve notes the folder of an app with links resolved, and returns the previous one.
func (w *Watcher) resolve(app, real string) (previous string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	previous = w.real[app]
	w.real[app] = real
	return previous
}

// of returns the apps that a file belongs to.
func (w *Watcher) of(path string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var apps []string
	for _, a := range w.apps {
		_, fails := w.failed[a.Name]
		below := strings.HasPrefix(path, strings.TrimSuffix(w.real[a.Name], string(filepath.Separator))+string(filepath.Separator))
		if w.files[path][a.Name] || below && (isTemplate(path) || fails && filepath.Ext(path) == ".py") {
			apps = append(apps, a.Name)
		}
	}
	return apps
}
