package devreload

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/standpipe/standpipe/supervisor/process"
)

// maxFolders is how many folders are observed: a server that was started in "/" has more.
const maxFolders = 4000

// settle is how long nothing more must change before an app is reloaded: an editor or a
// checkout writes several times.
const settle = 150 * time.Millisecond

// saves is how long a file that browsers load is left alone: editors write it in several steps.
const saves = 60 * time.Millisecond

// observer is one run of a Watcher. Only Run's goroutine uses it.
type observer struct {
	w        *Watcher
	notify   *fsnotify.Watcher
	observed map[string]bool   // folders
	pending  map[string]string // app -> the file that has changed
	quiet    <-chan time.Time  // nil: nothing is pending
	files    map[string]bool   // that browsers load, and that have changed
	saved    <-chan time.Time  // nil: there are none
}

// Run observes until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer notify.Close()
	o := &observer{w: w, notify: notify, observed: map[string]bool{}, pending: map[string]string{}, files: map[string]bool{}}
	o.resolveAll()
	for {
		select {
		case <-w.woken:
			for _, dir := range w.takeFresh() {
				o.observe(dir)
			}
		case e, ok := <-notify.Events:
			if !ok {
				return nil
			}
			o.change(e)
		case err := <-notify.Errors:
			w.warn(err)
		case <-o.quiet:
			o.settled()
		case <-o.saved:
			o.saved = nil
			for path := range o.files {
				w.file(path)
			}
			clear(o.files)
		case <-ctx.Done():
			return nil
		}
	}
}

func (o *observer) observe(dir string) {
	if o.observed[dir] || len(o.observed) >= maxFolders {
		return
	}
	o.observed[dir] = true
	if err := o.notify.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		o.w.warn(err)
	}
}

// change notes the apps that a changed file belongs to. A new folder is observed too.
func (o *observer) change(e fsnotify.Event) {
	if e.Op == fsnotify.Chmod {
		return
	}
	if st, err := os.Stat(e.Name); err == nil && st.IsDir() && e.Has(fsnotify.Create) {
		folders(e.Name, o.observe, nil)
	}
	apps := o.w.of(e.Name)
	if o.w.file != nil && len(apps) == 0 && isAsset(e.Name) {
		o.files[e.Name], o.saved = true, time.After(saves)
	}
	for _, app := range apps {
		if a := o.w.project(app); a != nil {
			a.update(filepath.Clean(e.Name))
		} else {
			o.pending[app] = e.Name
		}
		o.quiet = time.After(settle)
	}
}

// settled reloads the apps whose files have changed.
func (o *observer) settled() {
	o.quiet = nil
	o.resolveAll()
	for app, path := range o.pending {
		o.w.reload(app, path)
	}
	clear(o.pending)
}

// resolveAll observes the folders of the apps, and those that their names lead to now.
func (o *observer) resolveAll() {
	for _, a := range o.w.apps {
		real := process.RealPath(a.Dir)
		previous := o.w.resolve(a.Name, real)
		if previous == real {
			continue
		}
		folders(real, o.observe, o.w.project(a.Name).templates())
		if previous == "" {
			continue
		}
		for _, dir := range o.moved(a.Dir) {
			_ = o.notify.Remove(dir) // fails if the folder was removed
			delete(o.observed, dir)
			o.observe(dir)
		}
	}
}

// moved returns the observed folders at or below dir whose names lead elsewhere.
func (o *observer) moved(dir string) (list []string) {
	for d := range o.observed {
		if (d == dir || strings.HasPrefix(d, dir+string(filepath.Separator))) && d != process.RealPath(d) {
			list = append(list, d)
		}
	}
	return list
}
