package staticfiles

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/shim/wire"
)

// App has the folders of one app over its generations: those that the configuration names,
// and those that the serving generation has declared.
type App struct {
	name   string
	set    *Set
	places *static.Mounts

	mu         sync.Mutex
	app        *config.App // of the generation that is to be ready next
	cfg        *config.Config
	generation int // the newest one that was ready; 0: none
	declared   []wire.Declared
	folders    []Folder
}

// Expect sets the configuration of the next generation.
func (f *App) Expect(cfg *config.Config, a *config.App) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cfg, f.app = cfg, a
}

// Folders lists what is served and what is not.
func (f *App) Folders() []Folder {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.folders)
}

func (f *App) open() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.swap()
}

// declare takes what a ready worker declares. The first one of each generation puts it in
// force; all folders are opened again then.
func (f *App) declare(generation int, r *wire.Ready) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if generation <= f.generation {
		return
	}
	first := f.generation == 0
	f.generation, f.declared = generation, r.Static
	before := f.folders
	f.swap()
	for _, d := range f.declared {
		if d.Trouble != "" && f.app.Files.Mode != config.StaticOff {
			f.set.log.Warn("static_trouble", "app", f.name, "url", d.URL, "dir", d.Dir, "declared_by", d.Kind, "message", d.Trouble, "traceback", d.Traceback)
		}
	}
	if first && f.set.banner || slices.Equal(before, f.folders) && !first || len(f.folders) == 0 {
		return
	}
	f.set.log.Info("static", "app", f.name, "served", describe(f.folders, false), "refused", describe(f.folders, true))
}

// describe is one line of what is served, or of what is refused.
func describe(list []Folder, refused bool) string {
	of := slices.DeleteFunc(slices.Clone(list), func(x Folder) bool { return x.Trouble != "" || (x.Refused != "") != refused })
	parts, rest := Lines(of)
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("%d more (standpipe status --static)", rest))
	}
	return strings.Join(parts, ", ")
}

// swap puts the folders in force. mu is held.
func (f *App) swap() {
	l := layout{name: f.name, app: f.app, foreign: f.foreign}
	l.configured()
	if f.app.Files.Mode != config.StaticOff {
		for i := range f.declared {
			l.declared(&f.declared[i])
		}
	}
	f.folders = l.folders
	f.places.Swap(l.places, f.cfg.Files.Overlap)
}

// foreign says why a declared folder does not belong to the app. An app that runs as a user
// of its own could otherwise make the server read files for it.
func (f *App) foreign(dir string) string {
	id := f.app.Confine.Identity
	if id == nil {
		return ""
	}
	if st, err := os.Stat(dir); err != nil || !static.OwnedBy(st, id.UID) {
		return fmt.Sprintf("it does not belong to the app's user %s; --static names it", f.app.Confine.User)
	}
	return ""
}
