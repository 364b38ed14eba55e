package compose

import (
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor/process"
)

// release is what one generation of an app is made from. It is looked up once, so that a
// worker that is replaced later starts from the same.
type release struct {
	given *config.App

	mu  sync.Mutex
	app *config.App // nil: it was not there yet
	env []string
}

// get returns the app with its paths resolved, and its workers' environment.
func (r *release) get() (*config.App, []string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.app == nil {
		now, err := r.given.Again() // what was missing at the start may have come
		if err != nil {
			return nil, nil, err
		}
		r.app = now.Release()
		r.env = realPythonPath(workerEnviron(os.Environ(), r.app.Environ()))
	}
	return r.app, r.env, r.app.Gone()
}

// realPythonPath resolves the links in PYTHONPATH.
func realPythonPath(env []string) []string {
	for i, v := range env {
		list, ok := strings.CutPrefix(v, "PYTHONPATH=")
		if !ok {
			continue
		}
		dirs := filepath.SplitList(list)
		for j, d := range dirs {
			if filepath.IsAbs(d) {
				dirs[j] = process.RealPath(d)
			}
		}
		env[i] = "PYTHONPATH=" + strings.Join(dirs, string(filepath.ListSeparator))
	}
	return env
}
